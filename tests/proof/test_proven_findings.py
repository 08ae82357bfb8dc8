"""A final verification runs the commands of the task's open findings again: red before the work, green after it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from okstra_ctl.results.commands import Seen
from okstra_ctl.results.proofs import commands_before, open_findings, proof_json, proof_of
from support.okstra import Project
from support.rehearsal import answers, finding, install, led, part, report_of, result

CITED = {
    "it is mended": "command `grep -q good it.txt` exit 1",
    "it is still there": "command `grep -q better it.txt` exit 1",
    "it was never red": "command `test ! -e it.txt` exit 1",
    "it is green": "command `test -e it.txt` exit 0",
    "it is a place": "it.txt:1 `bad`",
}


def report(run: str, task_type: str, *findings: dict[str, Any], stage: int | None = None) -> dict[str, Any]:
    return {"run_id": run, "task_type": task_type, "stage": stage, "commit": f"at-{run}", "findings": list(findings)}


def found(number: int, *evidence: dict[str, Any], status: str = "open") -> dict[str, Any]:
    name = f"G-{number:03d}"
    return {"id": name, "severity": "high", "title": f"t {name}", "status": status, "evidence": list(evidence)}


def red(command: str, exit_status: int = 1, status: str = "verified") -> dict[str, Any]:
    return {"command": command, "exit": exit_status, "status": status}


def test_open_findings_are_those_of_the_newest_report_of_each_phase_and_stage() -> None:
    reports = [
        report("s1b", "implementation", found(1, red("a")), stage=1),
        report("s2", "implementation", found(1, red("b")), stage=2),
        report("s1a", "implementation", found(1, red("old")), stage=1),
        report("e", "error-analysis", found(1, red("c"), red("d", 2)), found(2, red("x"), status="closed")),
        report("p", "planning", found(1, red("green", 0), {"path": "x", "lines": None, "quote": ""})),
    ]
    findings = open_findings(reports, lambda one: "base" if one["task_type"] == "error-analysis" else one["commit"])
    assert [(one.run_id, one.before, one.commands) for one in findings] == [
        ("s1b", "at-s1b", (("a", 1),)),
        ("s2", "at-s2", (("b", 1),)),
        ("e", "base", (("c", 1), ("d", 2))),
    ]
    assert commands_before(findings)["base"] == {"c": (1,), "d": (2,)}


def test_what_okstra_did_not_see_end_as_cited_is_not_to_be_proven() -> None:
    lines = [red(status, 1, status) for status in ("contradicted", "flaky", "not-run", "unchecked")]
    old = {"command": "of an older okstra", "exit": 1}
    assert open_findings([report("e", "error-analysis", found(1, *lines, old))], lambda _: "base") == ()
    (one,) = open_findings([report("e", "error-analysis", found(1, *lines, red("a")))], lambda _: "base")
    assert one.commands == (("a", 1),)


@pytest.mark.parametrize(
    ("before", "after", "mark"),
    [
        ([(1,), (1,)], [(0,), (0,)], "proven"),
        ([(1,), (0,)], [(0,), (0,)], "proven"),
        ([(1,), (1,)], [(0,), (1,)], "not-shown"),
        ([(0,), (0,)], [(0,), (0,)], "not-shown"),
        ([(1,), (1,)], [(1,), (1,)], "not-shown"),
        ([(1, 0), (0,)], [(0,), (0,)], "not-shown"),
        ([(2,), (2,)], [(0,), (0,)], "not-shown"),
        ([(1, 2), (2,)], [(0,), (0,)], "not-shown"),
        ([(), (1,)], [(0,), (0,)], "proven"),
        ([(1,), (1,)], [(), ()], "not-shown"),
    ],
)
def test_a_finding_is_proven_when_a_command_has_turned_and_none_is_red(
    before: list[tuple[int, ...]], after: list[tuple[int, ...]], mark: str
) -> None:
    (one,) = open_findings([report("e", "error-analysis", found(1, red("a"), red("b")))], lambda _: "base")
    seen = {
        (command, commit): Seen(command, commit, exits, "" if exits else "time")
        for commit, runs in (("base", before), ("head", after))
        for command, exits in zip("ab", runs, strict=True)
    }
    written = proof_json(proof_of(one, "head", seen))
    assert (written["mark"], written["status"]) == (mark, "closed" if mark == "proven" else "open")


def test_what_the_work_has_turned_is_proven_and_closed(project: Project) -> None:
    project.repo.commit({"it.txt": "bad\n"}, "feat: it")
    ran = project.repo.path.parent / "ran"  # red twice, in the analysis and at the base; then green by itself
    flaky = f"command `printf x >> {ran}; test $(wc -c < {ran}) -gt 2` exit 1"
    own = [finding("high", title, evidence) for title, evidence in {**CITED, "it comes and goes": flaky}.items()]
    agreed = {f"G_{number:03d}": "AGREE" for number in range(1, len(own) + 1)}
    analysis = {"phase": "error-analysis"}
    install(
        project,
        part({"result": result(*own)}, worker="rehearsal-a", round="", role="analyst", **analysis),
        part({"result": answers(**agreed)}, worker="rehearsal-b", round="1", **analysis),
        evidence={"execute": "always"},
    )
    ended = led(project, "error-analysis")
    assert ended.status == 0, ended
    marks = {one["title"]: one["mark"] for one in report_of(ended)["findings"]}
    assert marks["it was never red"] == "shown"  # the base is where `it.txt` is: the claim itself was false
    tree = Path(project.okstra.ok("worktree", "lookup", project.task_key).stdout.strip())
    project.repo.commit({"it.txt": "good\n"}, "fix: it", at=tree)

    verified = led(project, "final-verification")

    assert verified.status == 0, verified
    run = ended.data["run_id"]
    rows = {one["title"]: one for one in report_of(verified)["proofs"]}
    assert {title: (row["mark"], row["status"]) for title, row in rows.items()} == {
        "it is mended": ("proven", "closed"),
        "it is still there": ("not-shown", "open"),
        "it was never red": ("not-shown", "open"),
        "it comes and goes": ("not-shown", "open"),
    }
    assert rows["it is mended"]["run_id"] == run
    (command,) = rows["it is mended"]["commands"]
    assert (command["before"], command["after"]) == ("exit 1, twice", "exit 0, twice")
    (page,) = Path(verified.data["run_dir"]).glob("reports/*.md")
    assert "- **proven**, closed: G-001 [high] it is mended" in page.read_text()
    (html,) = Path(verified.data["run_dir"]).glob("reports/*.html")
    assert "Open findings of earlier runs" in html.read_text()
    project.okstra.ok("check", "run", verified.data["run_id"])
    assert len(project.repo.worktree_paths()) <= 4
