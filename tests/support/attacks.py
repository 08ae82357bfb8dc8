"""Attacks on what a run must leave alone: played by its workers, and read from its report."""

from __future__ import annotations

from typing import Any

from .okstra import Ended, Project
from .plans import independent
from .rehearsal import executed, install, led, manifest_of, part, report_of, result

OFF = "git -c core.hooksPath=/dev/null"
UNGUARDED = "env -u GIT_CONFIG_COUNT git"
UNTRACED = "env -u GIT_TRACE2_EVENT -u GIT_CONFIG_COUNT git"


def attack(project: Project, command: str) -> Ended:
    """An analyst of a reading phase runs the command, whatever comes of it, and answers as if nothing were."""
    harmless = {"run": f"({command}) || true"}
    install(project, part(harmless, {"result": result()}, worker="rehearsal-a", round=""))
    return led(project, "error-analysis")


def kinds(ended: Ended) -> list[str]:
    return [breach["kind"] for breach in report_of(ended)["isolation"]["breaches"]]


def noted(ended: Ended) -> list[tuple[str, str, str]]:
    return [(one["kind"], one["author"], one["undo"]) for one in report_of(ended)["isolation"]["notes"]]


def assert_caught(ended: Ended, *expected: str, author: str) -> None:
    assert (ended.status, ended.codes) == (1, ["run-failed"]), ended
    assert manifest_of(ended)["outcome"] == "contract-violated"
    breaches = report_of(ended)["isolation"]["breaches"]
    assert sorted({breach["kind"] for breach in breaches}) == sorted(expected), breaches
    assert {breach["author"] for breach in breaches} == {author}, breaches


def assert_harmless(ended: Ended) -> None:
    assert ended.status == 0, ended
    assert kinds(ended) == []


def executor(*steps: dict[str, Any]) -> dict[str, Any]:
    return part(*steps, {"result": executed(1, 2)}, role="executor")


def build(project: Project, *steps: dict[str, Any]) -> Ended:
    project.adopt(independent(1))
    install(project, executor(*steps))
    return led(project, "implementation")


PLANNED = ({"write": {"path": "stage-1/it.py", "content": "# it\n"}}, {"run": "git add -A"})
