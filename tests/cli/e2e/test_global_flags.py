"""Flags that every command takes, before it or after; suggestions; and the pages of help."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from okstra_ctl.cli import behind_the_command
from okstra_ctl.command_table import COMMANDS, EARLIER, REST, called_by
from okstra_ctl.errors import EXIT_MEANINGS
from okstra_ctl.help_pages import TOPICS, page_of, top_page
from okstra_ctl.help_texts import ENVIRONMENT, EXAMPLES
from okstra_ctl.options import build_parser
from support.okstra import Okstra, Project
from support.rehearsal import led_args
from support.sealed import ROOT
from support.terminal import Terminal

OKSTRA = str(ROOT / "bin" / "okstra")
GUARDED = ("wizard", "worker", "guard")  # for programs


@pytest.mark.parametrize(
    ("given", "moved"),
    [
        ("--json list", "list --json"),
        ("-q --project-root /x stage list --plan P", "stage -q --project-root /x list --plan P"),
        ("--color always list", "list --color always"),
        ("--color=never list --json", "list --color=never --json"),
        ("list --json", "list --json"),
        ("--json", "--json"),
        ("--version", "--version"),
        ("", ""),
    ],
)
def test_flags_before_the_command_are_moved_behind_it(given: str, moved: str) -> None:
    assert behind_the_command(given.split()) == moved.split()


def test_a_flag_before_the_command_does_what_it_does_after_it(project: Project, tmp_path: Path) -> None:
    okstra = project.okstra
    assert okstra("--json", "list").envelope == okstra("list", "--json").envelope
    elsewhere = okstra("--project-root", str(project.repo.path), "--json", "check-project", cwd=tmp_path)
    assert elsewhere.envelope["okstra"] == "check-project/1", elsewhere
    refused = okstra("--json", "show", "nobody")
    assert (refused.status, len(refused.codes)) == (2, 1)


def test_quiet_prints_results_and_errors_only(project: Project) -> None:
    words = [word for word in led_args(project, "error-analysis") if word != "--json"]
    done = project.okstra("-q", *words)
    assert (done.status, done.stderr) == (0, ""), done
    assert "verdict" in done.stdout
    failed = project.okstra("show", "nobody", "--quiet")
    assert failed.stderr.startswith("okstra: error: ")


def test_colours_come_and_go_as_asked(project: Project) -> None:
    project.run_phase()
    escape = "\x1b["
    assert escape not in project.okstra.ok("list").stdout
    assert escape not in project.okstra.ok("list", FORCE_COLOR="1").stdout  # what a script reads stays plain
    drawn = project.okstra.ok("--color=always", "list").stdout
    assert escape in drawn and f"{project.task_key}/error-analysis/001" in drawn
    assert escape not in project.okstra.ok("list", "--color=always", "--no-color").stdout
    for flag, coloured in (((), True), (("--no-color",), False), (("--color", "never"), False)):
        environment = {**project.okstra.environment, "TERM": "xterm"}
        terminal = Terminal([OKSTRA, "status", *flag], project.repo.path, environment)
        assert terminal.end() == 0
        assert (escape in terminal.all_written) is coloured, flag
    wrong = project.okstra("list", "--color", "alway")
    assert (wrong.status, "did you mean always?" in wrong.stderr) == (2, True), wrong


def test_no_input_never_asks_even_at_a_terminal(project: Project) -> None:
    words = [word for word in led_args(project, "error-analysis") if word not in ("--json", "--yes")]
    terminal = Terminal([OKSTRA, *words, "--no-input"], project.repo.path, project.okstra.environment)
    assert terminal.end() == 0
    assert "[Y/n]" not in terminal.all_shown
    asked = Terminal([OKSTRA, *words], project.repo.path, project.okstra.environment)
    asked.then("[Y/n]", "n\r")
    assert asked.end() == 3


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("handof KEY", "okstra handoff"),
        ("stage lst", "did you mean list?"),
        ("list --projet demo", "did you mean --project?"),
        ("stage list --paln x", "did you mean --plan?"),
        ("run --lead clade", "did you mean claude?"),
        ("help exit-code", "okstra help exit-codes"),
    ],
)
def test_a_slip_is_answered_with_what_was_meant(okstra: Okstra, words: str, meant: str) -> None:
    refused = okstra(*words.split())
    assert (refused.status, meant in refused.stderr) == (2, True), refused


def test_no_flag_by_which_a_person_agrees_is_suggested_and_not_the_same_flag_again(okstra: Okstra) -> None:
    for words in ("worktree list --task-key x", "next --aprove", "next --pussh", "next --yess", "next --trst"):
        refused = okstra(*words.split())
        assert (refused.status, "did you mean" in refused.stderr) == (2, False), refused


def test_help_of_a_command_ends_with_its_examples(okstra: Okstra) -> None:
    shown = okstra.ok("help", "review").stdout
    assert shown.rstrip().endswith("$ okstra review origin/main...HEAD --sarif out.sarif --yes")
    assert json.loads(okstra.ok("help", "--json").stdout)["data"]["commands"]


@pytest.mark.parametrize("command", [one.name for one in COMMANDS if one.name not in GUARDED])
def test_every_command_has_examples_that_its_parser_takes(command: str) -> None:
    assert EXAMPLES[command]
    for words, meaning in EXAMPLES[command]:
        found, rest = called_by(shlex.split(words))
        assert found is not None and meaning
        build_parser(found)[0].parse_args(rest)


def test_pages_of_help_name_everything_and_fit_80_columns() -> None:
    pages = [top_page(first_time=True), *(page_of(topic) or "" for topic in ("all", *TOPICS))]
    assert [line for page in pages for line in page.splitlines() if len(line) > 80] == []
    shown = [one.name for one in COMMANDS if f"\n  {one.name} " in pages[0]]
    assert shown == [one.name for one in COMMANDS if one.group not in (REST, EARLIER)]
    assert [one.name for one in COMMANDS if f"\n  {one.name} " not in pages[1]] == []
    assert len(pages[0].splitlines()) <= 60
    assert all(str(code) in pages[2] for code in EXIT_MEANINGS)
    assert all(name in pages[3] for name in ENVIRONMENT)


def test_who_comes_for_the_first_time_is_told_how_to_begin(project: Project, okstra: Okstra, tmp_path: Path) -> None:
    first = okstra.ok(OKSTRA_HOME=str(tmp_path / "new"))
    assert "okstra demo" in first.stdout
    assert not (tmp_path / "new").exists()
    (tmp_path / "new").mkdir()
    assert "First time?" not in okstra.ok(OKSTRA_HOME=str(tmp_path / "new")).stdout
