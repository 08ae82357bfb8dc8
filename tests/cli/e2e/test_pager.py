"""Lists that are longer than the terminal go through the pager, by git's rules."""

from __future__ import annotations

from support.okstra import Project
from support.sealed import ROOT
from support.terminal import Terminal

_OKSTRA = str(ROOT / "bin" / "okstra")


def shown(project: Project, *words: str, rows: int = 10, **more: str) -> str:
    environment = {**project.okstra.environment, "TERM": "xterm", "NO_COLOR": "1", **more}
    environment.pop("COLUMNS", None)
    terminal = Terminal([_OKSTRA, *words], project.repo.path, environment, rows=rows, columns=100)
    assert terminal.end() == 0, terminal.all_shown
    return terminal.all_shown


def test_a_long_list_at_a_terminal_goes_through_the_pager(project: Project) -> None:
    pager = "sed 's/^/paged: /'"
    assert "paged: setting " in shown(project, "config", "list", PAGER=pager)
    assert "paged: LESS is FRX" in shown(project, "config", "list", PAGER="echo paged: LESS is $LESS; cat > /dev/null")
    whole = shown(project, "config", "list", "--no-pager", PAGER=pager)
    assert "setting " in whole and "paged:" not in whole
    for words, more in (
        (("config", "list"), {"PAGER": "cat"}),
        (("config", "list"), {"PAGER": ""}),
        (("config", "list"), {"PAGER": "no-such-pager-here"}),
        (("config", "list"), {"PAGER": pager, "TERM": "dumb"}),
        (("list",), {"PAGER": pager}),
    ):
        printed = shown(project, *words, **more)
        assert "paged:" not in printed and ("setting " in printed or "no runs" in printed), (words, more)
    assert "paged:" not in project.okstra.ok("config", "list", PAGER=pager).stdout, "piped it is never paged"
