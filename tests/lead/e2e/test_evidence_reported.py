"""The checks of a finding's evidence, and who gave no answer, are in the report, in data and on the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.okstra import Ended, Project
from support.rehearsal import answers, finding, install, led, part, report_of, result
from support.voices import install_voices

SOURCE = "".join(f"line {number} of it\n" for number in range(1, 41))


def page_of(ended: Ended) -> str:
    (path,) = Path(ended.data["run_dir"]).glob("reports/*.md")
    return path.read_text()


def found_of(project: Project, *evidence: str) -> tuple[Ended, dict[str, Any]]:
    project.repo.commit({"it.txt": SOURCE}, "feat: it")
    install(
        project,
        part({"result": result(finding("high", "It breaks", *evidence))}, worker="rehearsal-a", round=""),
        part({"result": answers(G_001="AGREE")}, worker="rehearsal-b", round="1"),
    )
    ended = led(project, "error-analysis")
    assert ended.status == 0, ended
    (found,) = report_of(ended)["findings"]
    return ended, found


GONE, NO_SANDBOX = "there is no such file at the run's commit", "no sandbox: nothing can contain it here"


@pytest.mark.parametrize(
    ("evidence", "status", "lines", "note", "class_"),
    [
        ("it.txt:5 `line 5 of it`", "verified", [5, 5], "", "consensus"),
        ("it.txt:9 `line 5 of it`", "moved", [5, 5], "", "consensus"),
        ("it.txt:5 `line 99`", "not-found", None, "the text is not there", "contested"),
        ("gone.txt:5 `x`", "not-found", None, GONE, "contested"),
        ("it.txt:5", "unchecked", None, "nothing is quoted", "consensus"),
        ("command `make test` exit 1", "not-run", None, NO_SANDBOX, "consensus"),
    ],
)
def test_each_line_of_evidence_has_its_status(
    project: Project, evidence: str, status: str, lines: list[int] | None, note: str, class_: str
) -> None:
    ended, found = found_of(project, evidence)
    (line,) = found["evidence"]
    assert (line["status"], line["found_lines"], line["note"]) == (status, lines, note)
    assert (found["evidence_status"], found["class"]) == (status, class_)
    (row,) = [row for row in page_of(ended).splitlines() if row.startswith("- Evidence: ")]
    place = " at line 5" if status == "moved" else ""
    assert row.endswith(f" ({status}{place}: {note})" if note else f" ({status}{place})")


def test_a_critic_that_quotes_what_is_not_there_convinces_nobody(project: Project) -> None:
    """Both analysts agree with it, and the text is not there."""
    gaps = result(
        finding("medium", "Nobody looked at it", "README.md:1 `no such text`"),
        finding("medium", "Nobody looked at that", "README.md:1"),
    )
    install(project, part({"result": gaps}, role="critic"))
    ended = led(project, "error-analysis", "--critic", "rehearsal")
    assert ended.status == 0, ended
    false, true = report_of(ended)["findings"]
    assert {one["verdict"] for one in false["verdicts"]} == {"AGREE"}
    assert (false["evidence_status"], false["class"]) == ("not-found", "contested")
    assert false["evidence"][0]["status"] == "not-found"
    assert true["evidence_status"] == "unchecked"


_BETA, _GAMMA = "beta in round 1 (unavailable)", "gamma in round 1 (unavailable)"


@pytest.mark.parametrize(
    ("silent", "note"),
    [
        ("", ""),
        ("gamma", "not heard: gamma (unavailable)"),
        ("gamma1", "not heard: gamma in round 1 (unavailable)"),
        ("beta1 gamma1", f"too few have answered G-001; not heard: {_BETA}, {_GAMMA}"),
    ],
)
def test_who_was_not_heard_is_named(project: Project, silent: str, note: str) -> None:
    install_voices(project, ("alpha", "beta", "gamma"), silent=silent)
    ended = led(project, "error-analysis", "--workers", "alpha,beta,gamma")
    gate = report_of(ended)["gates"]["convergence"]
    assert gate["note"] == note
    assert gate["gate"] == ("aborted-non-result" if note.startswith("too few") else "passed")
