"""claude is held to what is left of a run's budget."""

from __future__ import annotations

from pathlib import Path

import pytest

from okstra_ctl.agents.claude import Claude
from okstra_ctl.agents.codex import Codex
from okstra_ctl.agents.gemini import Gemini
from okstra_ctl.status import Failure
from support.client_streams import CLAUDE_INIT, claude_answer, claude_result, stream
from support.fake_clients import job

FLAG = "--max-budget-usd"


@pytest.mark.parametrize(
    ("arguments", "last"),
    [
        ([], "1.2500"),
        (["--verbose"], "1.2500"),
        ([FLAG, "0.5"], "0.5000"),
        ([f"{FLAG}=0.5"], "0.5000"),
        ([FLAG, "9"], "1.2500"),
        ([FLAG, "much"], "1.2500"),
    ],
)
def test_what_is_left_is_the_clients_limit_unless_the_person_set_a_smaller_one(
    tmp_path: Path, arguments: list[str], last: str
) -> None:
    work = job(tmp_path)._replace(budget_usd=1.25, options={"arguments": arguments})
    assert Claude().launch(work, "x", {}).argv[-2:] == (FLAG, last)


def test_without_a_budget_and_for_other_clients_nothing_is_added(tmp_path: Path) -> None:
    assert FLAG not in Claude().launch(job(tmp_path), "x", {}).argv
    work = job(tmp_path)._replace(budget_usd=1.25)
    assert not any(FLAG in client.launch(work, "x", {}).argv for client in (Codex(), Gemini()))


def test_a_turn_that_passed_its_budget_is_no_answer_and_its_cost_counts() -> None:
    event = claude_result(subtype="error_max_budget_usd", is_error=True, result=None, total_cost_usd=1.3)
    seen = Claude().read_stream(stream(CLAUDE_INIT, claude_answer(), event), b"", 1)
    assert (seen.failure, seen.message) == (Failure.CLIENT, "error_max_budget_usd")
    assert seen.usage is not None and seen.usage.cost_usd == 1.3
