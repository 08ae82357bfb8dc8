"""`okstra completion`: the scripts, read by real shells, offer what the parsers take, and carry nothing out."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from okstra_ctl.command_table import COMMANDS
from support.earlier_tasks import make_earlier_task
from support.okstra import Okstra, Project
from support.sealed import ROOT
from support.terminal import Terminal

_BASH = r"""
. "$1"
COMP_LINE=$2 COMP_POINT=${#2} COMP_TYPE=9
_python_argcomplete_okstra okstra 2>/dev/null
[[ ${#COMPREPLY[@]} -eq 0 ]] || printf '%s\n' "${COMPREPLY[@]% }"
"""
_ZSH = r"""
compdef() { : }
_describe() { print -rl -- "${(@P)2}" }
. "$1"
words=("${(z)2}")
BUFFER=$2 CURSOR=$#2
_python_argcomplete_okstra
"""
_FISH = 'source $argv[1]; complete -C $argv[2] | string replace -r "\\t.*" ""'
_LINES = [
    ("okstra sta", {"stage", "status"}),
    ("okstra stage ", {"list", "done", "publish", "release"}),
    ("okstra stage list --pl", {"--plan"}),
    ("okstra stage list --json --po", {"--porcelain"}),
    ("okstra stage list --plan some-plan --po", {"--porcelain"}),
    ("okstra stage --json d", {"done"}),
    ("okstra run --task-type error", {"error-analysis"}),
    ("okstra run --lead ", {"auto", "claude"}),
    ("okstra config get convergence.m", {"convergence.mode", "convergence.maxRounds"}),
    ("okstra completion fi", {"fish"}),
    ("okstra unin", {"uninstall"}),
    ("okstra show --err", {"--errors"}),
    ("okstra show --errors --ki", {"--kind"}),
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
    shown = run(["zsh", "-f", "-c", _ZSH, "zsh", str(scripts / "zsh"), line], okstra.environment, okstra.cwd)
    return [re.split(r"(?<!\\):", word)[0].replace("\\", "") for word in shown]


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


@pytest.mark.parametrize("complete", _SHELLS)
def test_files_are_offered_where_a_file_is_meant_and_nowhere_else(
    scripts: Path, project: Project, complete: object
) -> None:
    assert callable(complete)
    for name in ("brief.md", "briefs/one.md", ".hidden"):
        (project.repo.path / name).parent.mkdir(exist_ok=True)
        (project.repo.path / name).write_text("")
    assert set(complete(scripts, project.okstra, "okstra run --task-brief br")) == {"brief.md", "briefs/"}
    assert complete(scripts, project.okstra, "okstra run --task-brief briefs/") == ["briefs/one.md"]
    assert complete(scripts, project.okstra, "okstra run --task-brief .h") == [".hidden"]
    if complete is not in_fish:  # fish offers files by itself where nothing else fits
        assert complete(scripts, project.okstra, "okstra run --directive br") == []


@needed("bash")
def test_bash_replaces_what_follows_its_own_breaks(scripts: Path, project: Project) -> None:
    project.run_phase("error-analysis")
    assert in_bash(scripts, project.okstra, "okstra status --task-key demo:co") == ["core:T-1"]
    assert in_bash(scripts, project.okstra, "okstra run --task-type=err") == ["error-analysis"]


@pytest.mark.parametrize("complete", _SHELLS)
def test_the_command_is_found_behind_what_stands_before_it(scripts: Path, okstra: Okstra, complete: object) -> None:
    assert callable(complete)
    for line in ("A=1 okstra stage d", "cd okstra && /opt/okstra-ctl stage d"):
        assert complete(scripts, okstra, line) == ["done"] or complete is in_fish, line
    assert complete(scripts, okstra, "okstra.sh --lead a") == ["auto"]


@needed("bash")
def test_an_interactive_bash_completes_by_the_door_on_its_path(scripts: Path, project: Project) -> None:
    planted = project.repo.path / "okstra"
    planted.write_text("#!/bin/sh\ntouch pwned\n")
    planted.chmod(0o755)
    environment = {**project.okstra.environment, "TERM": "dumb", "PS1": "$ ", "INPUTRC": "/dev/null"}
    environment["PATH"] = f"{ROOT / 'bin'}:{environment['PATH']}"
    bash = Terminal([str(shutil.which("bash")), "--norc", "--noprofile", "-i"], project.repo.path, environment)
    bash.then("$ ", f". {scripts / 'bash'}\r")
    bash.then("$ ", "okstra stage d\t")
    bash.wait_for("okstra stage done ")
    bash.type("--ru\t")
    bash.wait_for("--run ")
    bash.type("\x15./okstra sta\t\t")
    bash.wait_for("status")
    bash.type("\x15exit\r")
    assert bash.end() == 0
    assert not (project.repo.path / "pwned").exists()


@needed("zsh")
def test_an_interactive_zsh_completes_the_command_that_the_cursor_is_in(scripts: Path, project: Project) -> None:
    environment = {**project.okstra.environment, "TERM": "xterm"}
    environment["PATH"] = f"{ROOT / 'bin'}:{environment['PATH']}"
    zsh = Terminal([str(shutil.which("zsh")), "-f", "-i"], project.repo.path, environment)
    zsh.type(f"autoload -Uz compinit; compinit -u -D; . {scripts / 'zsh'}; PS1='rea''dy> '\r")
    zsh.then("ready> ", "cd . && okstra stage d\t")
    zsh.wait_for("okstra stage done ")
    zsh.type("--ru\t")
    zsh.wait_for("--run ")
    zsh.type("\x15exit\r")
    assert zsh.end() == 0


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
    newer = r"declare -A|local -A|local -n|mapfile|readarray|\$\{\w+,,|\$\{\w+\^|&>>|\|&|\[-1\]|printf -v \w+\["
    assert re.findall(newer, text) == []
    assert subprocess.run(["bash", "-n", str(scripts / "bash")], capture_output=True).returncode == 0


@pytest.mark.parametrize(("shell", "file"), [("bash", ".bashrc"), ("zsh", ".zshrc"), ("fish", ".config/fish")])
def test_each_script_says_how_it_is_loaded(scripts: Path, shell: str, file: str) -> None:
    second = (scripts / shell).read_text().splitlines()[1]
    assert second.startswith("# Completion of okstra") and f"~/{file}" in second
