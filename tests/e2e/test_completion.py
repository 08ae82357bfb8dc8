"""`okstra completion`: the scripts, read by real shells, offer what the parsers take, and carry nothing out."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from okstra_ctl.ui.command_table import COMMANDS
from okstra_ctl.ui.completion.grammar import grammar
from support.earlier_tasks import make_earlier_task
from support.okstra import Okstra, Project
from support.sealed import ROOT

_BASH = r"""
. "$1"
COMP_LINE=$2 COMP_POINT=${#2}
_okstra
[[ ${#COMPREPLY[@]} -eq 0 ]] || printf '%s\n' "${COMPREPLY[@]}"
"""
_ZSH = r"""
compdef() { : }
compset() { : }
compadd() { shift; print -rl -- "$@" }
_files() { print -r -- :files }
. "$1"
words=("${(@)argv[2,-1]}")
CURRENT=$#words
_okstra
"""
_FISH = 'source $argv[1]; complete -C $argv[2] | string replace -r "\\t.*" ""'
_LINES = [
    ("okstra sta", {"stage", "status"}),
    ("okstra stage ", {"list", "done", "release"}),
    ("okstra stage list --pl", {"--plan"}),
    ("okstra stage list --json --po", {"--porcelain"}),
    ("okstra stage list --plan some-plan --po", {"--porcelain"}),
    ("okstra stage --json d", {"done"}),
    ("okstra run --task-type error", {"error-analysis"}),
    ("okstra run --lead ", {"auto", "claude"}),
    ("okstra config get convergence.m", {"convergence.mode", "convergence.maxRounds"}),
    ("okstra completion fi", {"fish"}),
    ("okstra unin", {"uninstall"}),
]


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the script of each shell."""
    folder = tmp_path_factory.mktemp("completion")
    okstra = Okstra({"PATH": "/usr/bin:/bin", "HOME": str(folder), "OKSTRA_HOME": str(folder / "home")}, folder)
    for shell in ("bash", "zsh", "fish"):
        (folder / shell).write_text(okstra.ok("completion", shell).stdout)
    return folder


def run(argv: list[str], environment: dict[str, str], cwd: Path) -> list[str]:
    path = f"{ROOT / 'bin'}:{environment['PATH']}"
    environment = {**environment, "PATH": path}
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    ended = subprocess.run(argv, env=environment, cwd=cwd, text=True, timeout=60, **streams)
    assert ended.stderr == "", ended.stderr
    return [line for line in ended.stdout.splitlines() if line]


def in_bash(scripts: Path, okstra: Okstra, line: str) -> list[str]:
    return run(["bash", "--norc", "-c", _BASH, "bash", str(scripts / "bash"), line], okstra.environment, okstra.cwd)


def in_zsh(scripts: Path, okstra: Okstra, line: str) -> list[str]:
    words = [*shlex.split(line), *([""] if line.endswith(" ") else [])]
    return run(["zsh", "-f", "-c", _ZSH, "zsh", str(scripts / "zsh"), *words], okstra.environment, okstra.cwd)


def in_fish(scripts: Path, okstra: Okstra, line: str) -> list[str]:
    argv = ["fish", "--no-config", "-c", _FISH, str(scripts / "fish"), line]
    return run(argv, okstra.environment, okstra.cwd)


def needed(shell: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(shell) is None, reason=f"{shell} is not installed")


_SHELLS = [
    pytest.param(in_bash, id="bash", marks=needed("bash")),
    pytest.param(in_zsh, id="zsh", marks=needed("zsh")),
    pytest.param(in_fish, id="fish", marks=needed("fish")),
]


@pytest.mark.parametrize("complete", _SHELLS)
def test_what_can_stand_there_is_offered(scripts: Path, okstra: Okstra, complete: object) -> None:
    assert callable(complete)
    for line, wanted in _LINES:
        assert set(complete(scripts, okstra, line)) == wanted, line


@pytest.mark.parametrize("complete", _SHELLS)
def test_every_command_is_offered(scripts: Path, okstra: Okstra, complete: object) -> None:
    assert callable(complete)
    wanted = {command.name for command in COMMANDS} | {"install", "uninstall"}
    assert set(complete(scripts, okstra, "okstra ")) == wanted


@pytest.mark.parametrize("complete", _SHELLS)
def test_runs_and_tasks_are_offered(scripts: Path, project: Project, complete: object) -> None:
    assert callable(complete)
    run_id = project.run_phase("error-analysis").data["run_id"]
    shown = complete(scripts, project.okstra, "okstra show ")
    assert [word for word in shown if word == run_id] == [run_id]
    (key,) = complete(scripts, project.okstra, "okstra status --task-key d")
    assert key == project.task_key


@needed("bash")
def test_bash_replaces_what_follows_its_own_breaks(scripts: Path, project: Project) -> None:
    project.run_phase("error-analysis")
    assert in_bash(scripts, project.okstra, "okstra status --task-key demo:co") == ["core:T-1"]
    assert in_bash(scripts, project.okstra, "okstra run --task-type=err") == ["error-analysis"]
    assert in_bash(scripts, project.okstra, "A=1 okstra stage d") == ["done"]
    assert in_bash(scripts, project.okstra, "okstra.sh --lead a") == ["auto"]


@pytest.mark.parametrize("complete", _SHELLS)
def test_hostile_ids_are_neither_offered_nor_carried_out(scripts: Path, project: Project, complete: object) -> None:
    assert callable(complete)
    for task in ("x$(touch pwned)", "y;touch pwned", "z`touch pwned`", "a b"):
        make_earlier_task(project.repo.path, f"demo:g:{task}")
        flags = ("--task-key", f"demo:g:{task}", "--task-type", "error-analysis", "--request=Do it.", "--render-only")
        project.okstra.ok("run", *flags)
    assert project.okstra.ok("completion", "tasks", "--json").data["words"] == []
    complete(scripts, project.okstra, "okstra show ")
    complete(scripts, project.okstra, "okstra show x$(touch pwned)")
    complete(scripts, project.okstra, "okstra stage $(touch pwned) ") if complete is not in_fish else None
    assert list(project.repo.path.rglob("pwned")) == []


def test_bash_3_2_can_read_the_script(scripts: Path) -> None:
    text = (scripts / "bash").read_text()
    newer = r"declare -A|local -A|local -n|mapfile|readarray|compopt|\$\{\w+,,|\$\{\w+\^|&>>|\|&|\[-1\]|printf -v \w+\["
    assert re.findall(newer, text) == []
    assert subprocess.run(["bash", "-n", str(scripts / "bash")], capture_output=True).returncode == 0
    shellcheck = shutil.which("shellcheck") or str(ROOT / ".venv" / "bin" / "shellcheck")
    if Path(shellcheck).exists():
        checked = subprocess.run([shellcheck, "-s", "bash", str(scripts / "bash")], capture_output=True, text=True)
        assert checked.stdout == ""


def test_the_grammar_knows_every_flag_and_its_kind() -> None:
    nodes = {node.path: node for node in grammar()}
    assert {name for name, _ in nodes[""].children} >= {command.name for command in COMMANDS}
    assert all(
        f"{node.path} {name}".strip() in nodes for node in nodes.values() for name, _ in node.children if node.path
    )
    kinds = {flag.name: flag.value.kind if flag.value else "" for flag in nodes["run"].flags}
    assert (kinds["--task-brief"], kinds["--dry-run"], kinds["--directive"]) == ("files", "", "text")
    assert (kinds["--task-key"], kinds["--lead"]) == ("tasks", "words")
    assert nodes["config set"].repeats and not nodes["config get"].repeats
