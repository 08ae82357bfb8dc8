"""Messages reach a receiver of the person's own; a receiver that fails changes nothing about a run."""

from __future__ import annotations

import pytest

from support.okstra import Project
from support.receiver import receiver
from support.rehearsal import led

_NOBODY = "json://127.0.0.1:1"  # a port that nobody listens at


def test_a_message_is_sent_to_every_url_and_the_reply_says_which_took_it(project: Project) -> None:
    okstra = project.okstra
    unset = okstra("notify", "test", "--json")
    assert (unset.status, unset.codes) == (2, ["input-missing"])
    with receiver() as takes, receiver(status=500) as refuses:
        okstra.ok("config", "set", "notify", takes.url, f"json://me:${{MY_WORD}}@127.0.0.1:{takes.server_port}")
        assert okstra("notify", "test", MY_WORD="t0psecretword").status == 0
        assert [one["title"] for one in takes.messages] == ["okstra: test"] * 2
        okstra.ok("config", "set", "notify", takes.url, refuses.url, "nothing://x", f"{_NOBODY}/?token=t0psecretword")
        failed = okstra("notify", "test", "--json")
    assert (failed.status, failed.codes) == (1, ["notify-failed"]), failed
    assert [one["sent"] for one in failed.data["sent"]] == [True, False, False, False]
    assert "nothing://…" in failed.stderr


def test_a_run_reports_how_it_ended_and_is_not_failed_by_a_receiver(project: Project) -> None:
    with receiver() as takes:
        project.okstra.ok("config", "set", "notify", takes.url, _NOBODY)
        ended = led(project, "implementation-planning")
        assert ended.status == 0, ended
        (message,) = takes.messages
    assert message["title"].endswith("there is a question for you")
    assert ended.data["run_id"] in message["message"] and "okstra plan check" in message["message"]
    assert "was not notified" in ended.stderr


@pytest.mark.parametrize("value", ['["ntfy://topic"]', "ntfy://topic"])
def test_a_project_can_not_name_where_messages_go(project: Project, value: str) -> None:
    refused = project.okstra("config", "set", "--project", "notify", value, "--json")
    assert (refused.status, refused.codes) == (2, ["unknown-setting"])
    assert project.okstra("config", "set", "notify", value).status == 0
