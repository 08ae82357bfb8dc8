"""Which sandbox is wanted: a person's settings count, a project's file alone may only tighten."""

from __future__ import annotations

from typing import Any

import pytest

from okstra_ctl.errors import UsageError
from okstra_ctl.settings.sandbox_settings import SandboxSettings, sandbox_settings
from okstra_ctl.settings.trust import commands_in


def read(config: dict[str, Any], project: dict[str, Any] | None = None, asked: str = "") -> SandboxSettings:
    return sandbox_settings(config, project or {}, asked, places=("config.json", "project.json"))


def test_without_settings_the_best_sandbox_is_taken_and_checks_have_the_network() -> None:
    assert read({}) == SandboxSettings("auto", False, (), (), (), True)


def test_the_flag_goes_before_the_setting() -> None:
    assert read({"sandbox": "bwrap"}).choice == "bwrap"
    assert read({"sandbox": "bwrap"}, asked="off").choice == "off"


def test_a_project_can_require_a_sandbox_and_close_the_network_and_undo_neither() -> None:
    assert read({}, {"sandboxRequired": True, "checkNetwork": False})[1:] == (True, (), (), (), False)
    strict = {"sandboxRequired": True, "checkNetwork": False}
    loosened = read(strict, {"sandboxRequired": False, "checkNetwork": True, "sandbox": "off"})
    assert (loosened.choice, loosened.required, loosened.check_network) == ("auto", True, False)


def test_what_a_project_opens_is_among_what_a_person_has_to_trust() -> None:
    opened = {"sandboxShow": ["~/.ssh"], "sandboxWritable": ["~/.npm"], "sandboxPorts": ["22"]}
    assert commands_in({"projectId": "demo", **opened}) == opened
    assert read({"sandboxShow": ["/a"]}, opened).shown == ("/a", "~/.ssh")


def test_ports_are_numbers_or_any() -> None:
    assert read({"sandboxPorts": ["80", "8080"]}).ports == (80, 8080)
    assert read({"sandboxPorts": ["80", "any"]}).ports is None


@pytest.mark.parametrize(
    ("config", "part"),
    [
        ({"sandbox": "jail"}, "sandbox is 'jail'"),
        ({"sandboxRequired": "yes"}, "sandboxRequired is 'yes'"),
        ({"checkNetwork": 1}, "checkNetwork is 1"),
        ({"sandboxShow": "/a"}, "sandboxShow is not a list"),
        ({"sandboxWritable": [""]}, "sandboxWritable is not a list"),
        ({"sandboxPorts": ["http"]}, "sandboxPorts has 'http'"),
        ({"sandboxPorts": ["70000"]}, "sandboxPorts has '70000'"),
    ],
)
def test_a_setting_that_can_not_be_is_named(config: dict[str, Any], part: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(config)
    assert caught.value.code == "bad-config"
    assert part in caught.value.message


def test_a_sandbox_that_does_not_exist_is_no_usage() -> None:
    with pytest.raises(UsageError) as caught:
        read({}, asked="jail")
    assert "bwrap" in caught.value.hint
