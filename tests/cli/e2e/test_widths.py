"""Views at terminals of 60, 80 and 100 columns: no line is wider, no key is cut, no word is broken."""

from __future__ import annotations

import re

import pytest

from okstra_ctl.system.text import display_width
from support.okstra import Project
from support.plans import independent
from support.sealed import ROOT
from support.terminal import Terminal

_OKSTRA = str(ROOT / "bin" / "okstra")


def shown(project: Project, words: list[str], columns: int) -> list[str]:
    environment = {**project.okstra.environment, "TERM": "dumb", "NO_COLOR": "1", "TZ": "Asia/Seoul"}
    environment.pop("COLUMNS", None)
    terminal = Terminal([_OKSTRA, *words], project.repo.path, environment, columns=columns)
    assert terminal.end() == 0, terminal.all_shown
    return [line.rstrip() for line in terminal.all_shown.split("\n")]


@pytest.mark.parametrize("columns", [60, 80, 100])
def test_no_view_is_wider_than_the_terminal(project: Project, columns: int) -> None:
    plan = project.adopt(independent(2))
    run = project.run_stage().data["run_id"]
    for words in (["list"], ["status"], ["board", "--once"], ["stage", "list", "--plan", plan], ["show", run]):
        lines = shown(project, words, columns)
        wide = [line for line in lines if display_width(line) > columns]
        # what is wider by itself, as paths of this test are, is not broken: it stands alone, or after its name
        assert [line for line in wide if len(re.split(r" +", line.strip(" \\"))) > 2] == [], words
        assert words[0] == "board" or any(run in line for line in lines), (words, lines)
    for words in (["show", run], ["history", project.task_key], ["board", "--once"]):
        assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d KST", "\n".join(shown(project, words, columns))), words
    assert project.okstra.ok("show", run, TZ="Asia/Seoul").stdout.count("Z\n") == 1, "a script reads UTC"
    (since,) = [line for line in shown(project, ["list"], columns) if re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d$", line)]
    assert ("Z" in since) is False
