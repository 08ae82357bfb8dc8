"""Plays the demonstration: analysis, plan, approval, two stages at the same time and a third on both, integration,
final verification.

Commits, tests, worktrees, checks and reports are real; what models would write comes from `demo/script.toml`.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from ..system import files
from .stage import STAGES, DemoStage, Show, field

KEY = "demo:words:top"
_RUNS = os.path.join(".okstra", "tasks", "words", "top", "runs")
_LED = ("--provider", "rehearsal", "--yes")
_TEST_OF_3 = os.path.join("tests", "test_top.py")
_TAUTOLOGY = """import unittest


class Top(unittest.TestCase):
    def test_top(self):
        self.assertTrue(True)
"""
_ASKED = "One,\none"


class Played(NamedTuple):
    """`reports` are HTML pages."""

    verdicts: dict[str, str]
    reports: tuple[str, ...]


class Demo:
    """`head` gets a section's title, `note` what is worth saying of it besides what the commands print."""

    def __init__(self, stage: DemoStage, head: Show, note: Show) -> None:
        self.stage, self.head, self.note = stage, head, note
        self.verdicts: dict[str, str] = {}

    def play(self) -> Played:
        """Raises WorkFailed (`run-failed`), Missing (`dependency-missing`)."""
        self._register()
        self._analyse()
        self._plan()
        self._build()
        self._verify()
        pages = ("error-analysis", "implementation-planning", "final-verification")
        reports = (f"{_RUNS}/{phase}/reports/final-report-{phase}-001.html" for phase in pages)
        return Played(self.verdicts, tuple(os.path.join(self.stage.repo, path) for path in reports))

    def _register(self) -> None:
        stage = self.stage
        self.head("1. A small program in a git repository, registered with okstra; its bug")
        stage.make_repository()
        stage.okstra("init", "--project-id", "demo", "--yes")
        stage.okstra("config", "set", "sandboxShow", f"${STAGES}", stage.environment[STAGES])
        stage.okstra("config", "set", "evidence.execute", "always")  # what is cited here no model has written
        stage.set_script()
        stage.okstra("trust", "--yes")
        text = os.path.join(stage.place, "text.txt")
        with open(text, "w", encoding="utf-8") as file:
            file.write(_ASKED)
        counted = stage.run(["python3", "-m", "tally", text], cwd=stage.repo)
        self.note(f'"One," and, on the next line, "one": the program counts {counted.strip()} word')

    def _analyse(self) -> None:
        self.head("2. Two analysts look for the cause, and check each other's claims")
        group = ("--task-group", "words", "--task-id", "top")
        brief = ("--task-brief", os.path.join(self.stage.assets, "brief.md"))
        self._led("analysis", "--task-type", "error-analysis", *group, *brief)
        evidence = self.stage.okstra("check", "evidence", f"{KEY}/error-analysis/001", status=4)
        lost = next((line.split()[1] for line in evidence.split("\n") if line.startswith("not-found")), "nobody")
        self.note(f"a claim of {lost} quotes a line that is not there: it can't become a finding of both")
        cited = [
            one
            for one in self._report("error-analysis")["findings"]
            if any("command" in line for line in one["evidence"])
        ]
        seen = {
            one["id"]: "fails as cited: shown" if one["mark"] == "shown" else "does not: contested" for one in cited
        }
        self.note("okstra runs what they cite: " + "; ".join(f"that of {name} {words}" for name, words in seen.items()))

    def _plan(self) -> None:
        self.head("3. They plan it; a program checks the plan, both judge it, a person approves it")
        self._led("planning", "--task-type", "implementation-planning", "--task-key", KEY)
        self.stage.okstra("plan", "show", "top")
        self.stage.okstra("plan", "approve", "top", "--yes")
        self.note("approved: 3 stages; the third builds on the other two")

    def _build(self) -> None:
        stage = self.stage
        self.head("4. Two stages at once, each in a worktree of its own: failing test, code, exit check")
        words = ("run", "--task-key", KEY, "--task-type", "implementation", *_LED)
        begun = [stage.begin(*words) for _ in range(2)]
        ended = [stage.finish(one, words) for one in begun]
        taken = sorted(field(text, "run").rpartition("/stage-")[2][:1] for text in ended)
        self.note(f"started in the same instant, each took a stage of its own: {' and '.join(taken)}")
        self.head("5. Stage 3 needs both: refused until they are merged, with their tests run on the whole")
        stage.okstra(*words, "--stage", "3", status=3)
        merged = stage.okstra("integrate", KEY)
        self.note(f"merged {field(merged, 'merged')}, all exit checks green")
        self._prove(words)
        stage.okstra("integrate", KEY)
        self.note("stage 3 is built and merged too")

    def _prove(self, words: tuple[str, ...]) -> None:
        """Stage 3 by hand: with a test that asks nothing it is not done."""
        stage = self.stage
        prepared = stage.okstra(*words, "--stage", "3", "--render-only")
        done = ("stage", "done", "--run", field(prepared, "run"))
        tree = stage.okstra("worktree", "lookup", f"{KEY}#stage-3").split("\n")[0]
        stage.write(os.path.join(tree, _TEST_OF_3), _TAUTOLOGY)
        stage.commit_of_stage(3, os.path.join("tally", "__main__.py"), tree)
        refused = stage.okstra(*done, status=1)
        self.note("stage 3 with a test that asks nothing: " + field(refused, "okstra: error:"))
        stage.commit_of_stage(3, _TEST_OF_3, tree)
        self.note(f"with a test that needs its code: {field(stage.okstra(*done), 'proof')}")

    def _verify(self) -> None:
        self.head("6. Final verification: the program's own tests, and both analysts look at what was asked")
        self._led("verification", "--task-type", "final-verification", "--task-key", KEY)
        proven = [one["finding"] for one in self._report("final-verification")["proofs"] if one["mark"] == "proven"]
        self.note(f"the command of {', '.join(proven)} fails without this work and passes with it: proven, and closed")
        self.stage.okstra("stage", "list", "top")
        self.stage.okstra("list")
        tree = self.stage.okstra("worktree", "lookup", KEY).split("\n")[0]
        table = self.stage.run(["python3", "-m", "tally", "README.md", "--top", "1"], cwd=tree)
        self.note(f"`python3 -m tally README.md --top 1` prints: {' '.join(table.split())}")

    def _report(self, phase: str) -> dict[str, Any]:
        path = os.path.join(self.stage.repo, _RUNS, phase, "reports", f"final-report-{phase}-001.data.json")
        return files.read_json(path) or {"findings": [], "proofs": []}

    def _led(self, name: str, *words: str) -> None:
        printed = self.stage.okstra("run", *words, *_LED)
        self.verdicts[name] = field(printed, "verdict")
        self.note(f"verdict: {self.verdicts[name]}")
