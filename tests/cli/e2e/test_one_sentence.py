"""From nothing to a pushed branch: a sentence, and then one step after another."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from okstra_ctl.services import open_services
from okstra_ctl.settings import config
from support.okstra import Ended, Okstra
from support.repos import Repo
from support.sealed import ROOT, sealed_environment
from support.terminal import Terminal

REQUEST = "Sums are off by one"
KEY = "shop:tasks:sums-are-off-by-one"


class Fresh:
    """A repository with a Makefile and a remote, of which okstra knows nothing."""

    def __init__(self, tmp: Path) -> None:
        (tmp / "home").mkdir()
        self.environment = sealed_environment(tmp / "home")
        self.repo = Repo.init(tmp / "shop", self.environment)
        self.repo.commit({"Makefile": "test:\n\ttrue\n"}, "test: a target")
        self.remote = tmp / "remote.git"
        for argv in (["init", "-q", "--bare", str(self.remote)], ["remote", "add", "origin", str(self.remote)], _PUSH):
            subprocess.run(["git", *argv], cwd=self.repo.path, env=self.environment, check=True)
        subprocess.run(
            ["git", "push", "-q", "origin", "HEAD:main"], cwd=self.repo.path, env=self.environment, check=True
        )
        self.okstra = Okstra(self.environment, self.repo.path)

    def type(self, line: str) -> Ended:
        """A command as a person types it, with `--json` for the test."""
        words = shlex.split(line)
        assert words[0] == "okstra" and len(line) <= 60, line
        return self.okstra(*words[1:], "--json")


@pytest.fixture
def fresh(tmp_path: Path) -> Fresh:
    return Fresh(tmp_path)


_PUSH = ["push", "-q", "origin", "HEAD:main"]
WALK = [
    "okstra init --yes",
    f'okstra run "{REQUEST}" --provider rehearsal --yes',
    "okstra next --yes",
    "okstra next --approve",
    "okstra next --yes",
    "okstra next --yes",
    "okstra next --yes",
    "okstra next --push",
]


def test_a_sentence_becomes_a_pushed_branch_in_eight_short_commands(fresh: Fresh) -> None:
    """On the way, `--yes` approves no plan and pushes nothing. The README shows these, after those that install."""
    blocks = (ROOT / "README.md").read_text(encoding="utf-8").split("```")[1::2]
    (shown,) = [block.strip().split("\n") for block in blocks if block.count("\nokstra next") > 3]
    typed = [line.partition("#")[0].strip() for line in shown]
    assert typed == ["npm i -g okstra", "okstra install", *WALK]
    assert len(typed) <= 10 and all(len(line) <= 60 for line in typed)
    for line in WALK:
        needed = {"okstra next --approve": "not-confirmed", "okstra next --push": "nothing-chosen"}.get(line)
        if needed:
            refused = fresh.type("okstra next --yes")
            assert (refused.status, refused.codes) == (3, [needed])
        ended = fresh.type(line)
        assert ended.status == 0, (line, ended)
    heads = subprocess.run(
        ["git", "-C", fresh.remote, "branch", "--format=%(refname:short)"], capture_output=True, text=True, check=True
    )
    assert heads.stdout.split() == ["feat-sums-are-off-by-one", "main"]
    left = fresh.type("okstra next")
    assert (left.data["task_key"], left.data["title"], left.data["next"]) == (KEY, REQUEST, "")


@pytest.mark.stress
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not there")
def test_the_same_walk_from_the_package_that_npm_installs(fresh: Fresh, tmp_path: Path) -> None:
    """The README's ten commands; the package comes from here, not from the registry."""
    environment = {**fresh.environment, "npm_config_offline": "true", "npm_config_update_notifier": "false"}
    environment["PATH"] = f"{tmp_path / 'prefix' / 'bin'}:{environment['PATH']}"

    def call(*words: str | Path) -> str:
        ended = subprocess.run(
            list(map(str, words)), cwd=fresh.repo.path, env=environment, capture_output=True, text=True, timeout=300
        )
        assert ended.returncode == 0, (words, ended.stdout, ended.stderr)
        return ended.stdout

    packed = call("npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", tmp_path, ROOT).split()[-1]
    quiet = ("--no-audit", "--no-fund", "--loglevel=error")
    call("npm", "i", "-g", "--prefix", tmp_path / "prefix", *quiet, tmp_path / packed)
    environment["OKSTRA_PYTHON"] = sys.executable  # it has the packages, which an index would bring
    call("okstra", "install")
    del environment["OKSTRA_PYTHON"]
    assert str(tmp_path / "prefix") in call("okstra", "paths")
    for line in WALK:
        call(*shlex.split(line))
    heads = subprocess.run(
        ["git", "-C", fresh.remote, "branch", "--format=%(refname:short)"], capture_output=True, text=True, check=True
    )
    assert heads.stdout.split() == ["feat-sums-are-off-by-one", "main"]


# What a person types at a terminal, and what is asked; each answer is Enter, but for the plan's approval.
AT_A_TERMINAL = {
    "okstra init": ["[Y/n]"],
    f'okstra run "{REQUEST}" --provider rehearsal': ["goes back", "[Y/n]"],
    "okstra next": ["[Y/n]"],
    "okstra next ": ["[Y/n]", "[y/N]"],
    "okstra next  ": ["[Y/n]"],
    "okstra next   ": ["[Y/n]"],
    "okstra next    ": ["[Y/n]"],
    "okstra next --push": [],
}


def test_install_and_demo_the_first_report_and_a_whole_task_are_few_characters() -> None:
    quick = (ROOT / "README.md").read_text(encoding="utf-8").split("```")[1].strip().split("\n")
    install, init, run = (line.partition("#")[0].strip() for line in quick)
    assert len(install) + len("okstra demo") <= 45
    assert len(init) + len(run) + len("okstra open .") <= 80
    assert sum(len(line.strip()) for line in AT_A_TERMINAL) <= 150


@pytest.mark.stress
def test_a_whole_task_is_played_at_a_terminal_in_so_many_characters(fresh: Fresh) -> None:
    for line, questions in AT_A_TERMINAL.items():
        argv = [str(ROOT / "bin" / "okstra"), *shlex.split(line)[1:]]
        terminal = Terminal(argv, fresh.repo.path, {**fresh.okstra.environment, "TERM": "dumb"})
        for question in questions:
            terminal.then(question, "y\r" if question == "[y/N]" else "\r")
        assert terminal.end() == 0, (line, terminal.all_shown)
    heads = subprocess.run(["git", "-C", fresh.remote, "branch"], capture_output=True, text=True, check=True)
    assert "feat-sums-are-off-by-one" in heads.stdout


def test_without_a_word_next_only_shows(fresh: Fresh) -> None:
    for line in WALK[:2]:
        fresh.type(line)
    for more in (["--json"], []):
        assert fresh.okstra("next", *more).status == 0
    for flag, done in (("--approve", "approved"), ("--push", "pushed"), ("--pr", "pushed")):
        refused = fresh.okstra("next", flag, "--json")
        (error,) = refused.envelope["errors"]
        assert (refused.status, error["code"], error["try"]) == (3, "not-next", refused.data["next"])
        assert error["message"] == f"nothing was {done}: what comes next is: plan the change"
    assert "--task-type implementation-planning" in fresh.okstra("next").stdout
    assert not (fresh.repo.path / ".okstra/tasks/tasks/sums-are-off-by-one/runs/implementation-planning").exists()


def test_a_branch_verified_without_tests_is_pushed_by_hand_only_and_next_says_so(tmp_path: Path) -> None:
    """`init` finds no tests, and the verification ends with conditions; a plan that waits shows in `status`."""
    fresh = Fresh(tmp_path)
    (fresh.repo.path / "Makefile").unlink()
    fresh.repo.commit({"notes.txt": "none\n"}, "chore: no tests")
    for line in WALK[:3]:
        fresh.type(line)
    (waits,) = fresh.type("okstra status").data["plans"]
    assert (waits["task_key"], waits["next"]) == (KEY, fresh.type("okstra next").data["next"])
    assert fresh.okstra.ok("status").stdout.split()[-3:] == ["okstra", "next", "sums-are-off-by-one"]
    for line in WALK[3:-1]:
        ended = fresh.okstra.ok(*shlex.split(line)[1:])
        assert ended.stdout.splitlines()[-1].split() == ["next", "okstra", "next", "sums-are-off-by-one"], line
    assert fresh.okstra("status").stdout.strip() == "nothing is in work"
    for more in ([], ["--yes"]):
        refused = fresh.okstra("next", "--push", *more, "--json")
        assert (refused.status, refused.codes) == (3, ["not-next"])
        assert f"okstra handoff {KEY} --push" in refused.envelope["errors"][0]["try"]
    heads = subprocess.run(["git", "-C", fresh.remote, "branch"], capture_output=True, text=True, check=True)
    assert "feat-" not in heads.stdout
    assert fresh.okstra("handoff", KEY, "--push", "--yes").status == 0
    late = fresh.okstra("next", "--push", "--json")
    assert (late.status, late.codes) == (3, ["not-next"])
    assert late.envelope["errors"][0]["message"] == "nothing was pushed: nothing is left to do"


def test_a_phase_in_a_project_without_git_ends_well(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "notes").mkdir()
    okstra = Okstra(sealed_environment(tmp_path / "home"), tmp_path / "notes")
    okstra.ok("init", "--yes")
    ended = okstra.ok("run", "List the notes", "--provider", "rehearsal", "--yes", "--json")
    assert ended.data["outcome"] == "completed", ended


def test_the_task_to_go_on_with_is_none_that_was_dropped(fresh: Fresh) -> None:
    fresh.type(WALK[0])
    begun = [
        fresh.okstra.ok("run", words, "--provider", "rehearsal", "--render-only", "--json").data["task_key"]
        for words in ("Say hello", "Say goodbye")
    ]
    assert fresh.type("okstra next").data["task_key"] == begun[1]
    fresh.okstra.ok("drop", begun[1])
    assert fresh.type("okstra next").data["task_key"] == begun[0]


def test_next_without_a_task_and_with_one_that_is_not_there(fresh: Fresh) -> None:
    outside = fresh.okstra("next", "--json")
    assert (outside.codes, outside.envelope["errors"][0]["try"]) == (["not-a-project"], "okstra init")
    fresh.type(WALK[0])
    assert fresh.okstra("next", "--json").codes == ["not-found"]
    fresh.type(WALK[1])
    refused = fresh.okstra("next", "sums-are-off-by-on", "--json")
    assert (refused.codes, refused.envelope["errors"][0]["try"].count(KEY)) == (["task-unknown"], 1)


def test_words_from_stdin_and_a_second_task_of_the_same_words(fresh: Fresh) -> None:
    fresh.type(WALK[0])
    given = subprocess.run(
        [str(ROOT / "bin" / "okstra"), "run", "-", "--provider", "rehearsal", "--render-only", "--json"],
        input="# Say hello\n\nTo everybody.\n",
        cwd=fresh.repo.path,
        env=fresh.okstra.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(given.stdout)["data"]["run_id"] == "shop:tasks:say-hello-to-everybody/requirements-discovery/001"
    for number in ("", "-2", "-3"):
        made = fresh.okstra.ok("run", "Say hello!", "--provider", "rehearsal", "--render-only", "--json")
        assert made.data["task_key"] == f"shop:tasks:say-hello{number}"


@pytest.mark.parametrize("words", ["", "  ", "# \n"])
def test_a_request_of_no_words_makes_no_task(fresh: Fresh, words: str) -> None:
    fresh.type(WALK[0])
    refused = fresh.okstra("run", words if words else "-", "--provider", "rehearsal", "--yes", "--json")
    assert (refused.status, refused.codes) == (2, ["request-missing"])
    assert not (fresh.repo.path / ".okstra" / "tasks").exists()


def test_two_ways_to_say_what_is_wanted_are_refused(fresh: Fresh) -> None:
    fresh.type(WALK[0])
    refused = fresh.okstra("run", "this", "--request", "that", "--json")
    assert (refused.status, refused.codes) == (2, ["usage"])


def test_at_a_terminal_one_question_says_what_kind_of_work_it_is(fresh: Fresh) -> None:
    fresh.type(WALK[0])
    argv = [str(ROOT / "bin" / "okstra"), "run", "The list crashes", "--provider", "rehearsal", "--render-only"]
    terminal = Terminal(argv, fresh.repo.path, {**fresh.okstra.environment, "TERM": "dumb"})
    terminal.wait_for("What kind of work is this?")
    terminal.type("\r")
    terminal.end()
    assert (fresh.repo.path / ".okstra/tasks/tasks/the-list-crashes/runs/error-analysis").is_dir()


def test_stopping_at_that_question_makes_no_task(fresh: Fresh) -> None:
    fresh.type(WALK[0])
    argv = [str(ROOT / "bin" / "okstra"), "run", "The list crashes", "--provider", "rehearsal"]
    for key, status in (("\x03", 130), ("<\r", 3)):
        terminal = Terminal(argv, fresh.repo.path, {**fresh.okstra.environment, "TERM": "dumb"})
        terminal.then("goes back", key)
        assert terminal.end() == status, terminal.all_shown
        assert not (fresh.repo.path / ".okstra" / "tasks").exists()


def test_init_finds_the_tests_writes_once_and_trusts_what_it_showed(fresh: Fresh) -> None:
    first = fresh.type("okstra init --yes")
    assert first.data["settings"] == {"qaCommands": ["make test"]}
    settings = fresh.repo.path / ".okstra" / "project.json"
    written = settings.read_bytes()
    assert json.loads(written)["qaCommands"] == ["make test"]
    assert fresh.okstra.ok("trust", "--show", "--json").data["trusted"] is True
    assert fresh.type("okstra init --yes").data["settings"] == {}
    assert settings.read_bytes() == written


def test_init_keeps_what_a_person_set(fresh: Fresh) -> None:
    fresh.type("okstra init --yes")
    fresh.okstra.ok("config", "set", "--project", "qaCommands", "make check")
    fresh.type("okstra init --yes")
    assert json.loads((fresh.repo.path / ".okstra" / "project.json").read_text())["qaCommands"] == ["make check"]


def test_a_no_to_init_writes_nothing(fresh: Fresh) -> None:
    terminal = Terminal([str(ROOT / "bin" / "okstra"), "init"], fresh.repo.path, fresh.okstra.environment)
    terminal.wait_for("[Y/n]")
    terminal.type("n\r")
    assert terminal.end() == 3
    assert not (fresh.repo.path / ".okstra").exists()


def test_what_a_person_sets_while_init_writes_stays(fresh: Fresh) -> None:
    """`init` decides under the settings' lock, not by what it read before."""
    fresh.type("okstra init --yes")
    fresh.okstra.ok("config", "set", "--project", "qaCommands", "make check")
    file = config.of_project(str(fresh.repo.path), services := open_services(fresh.environment))
    kept = config.set_value(file, "qaCommands", ["make test"], services, if_empty=True)
    assert kept.value == ["make check"]
