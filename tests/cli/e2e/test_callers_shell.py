"""What the shell that calls okstra exports, ignores or blocks misleads none of okstra's own programs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.okstra import Ended, Project
from support.plans import independent
from support.sealed import ROOT

_START = "import os, signal, sys\n{}\nos.execvp(sys.argv[1], sys.argv[1:])"
_IGNORING = _START.format("for one in sys.argv.pop(1).split(): signal.signal(getattr(signal, one), signal.SIG_IGN)")
_BLOCKING = _START.format(
    "signal.pthread_sigmask(signal.SIG_BLOCK, [getattr(signal, one) for one in sys.argv.pop(1).split()])"
)


def call(project: Project, code: str, signals: str, *words: str) -> Ended:
    """A command, started by a process that ignores or blocks these signals."""
    argv = [sys.executable, "-I", "-c", code, signals, str(ROOT / "bin" / "okstra"), *words]
    done = subprocess.run(
        argv, cwd=project.repo.path, env=project.okstra.environment, capture_output=True, text=True, timeout=120
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("code", [_IGNORING, _BLOCKING], ids=["ignored", "blocked"])
def test_failures_are_heard_whatever_the_caller_does_with_signals(project: Project, code: str) -> None:
    signals = "SIGCHLD SIGINT SIGPIPE"
    project.adopt(independent(2), exit_check="test -f stage-1/green")
    first = call(project, code, signals, *project.run_args())
    assert first.status == 0, first
    project.work(first)
    red = call(project, code, signals, "stage", "done", "--run", first.data["run_id"], "--json")
    assert (red.status, red.codes) == (1, ["exit-check-failed"]), red
    at = Path(first.data["worktree"]["path"])
    project.repo.commit({"stage-1/green": ""}, "feat: green", at=at)
    done = call(project, code, signals, "stage", "done", "--run", first.data["run_id"], "--json")
    assert done.status == 0, done
    merged = call(project, code, signals, "integrate", "--task-key", project.task_key, "--json")
    assert merged.status == 0, merged
    assert project.repo.git("merge-base", "feat-t-1", "feat-t-1-s1") == done.data["head_commit"]
    assert call(project, code, signals, *project.run_args("2")).status == 0


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc")
def test_commands_of_the_person_start_with_signals_at_their_defaults_but_for_nohups(project: Project) -> None:
    project.adopt(independent(1), exit_check="grep Sig[IB] /proc/self/status")
    run = project.run_stage()
    project.work(run)
    done = call(
        project, _IGNORING, "SIGCHLD SIGINT SIGPIPE SIGHUP", "stage", "done", "--run", run.data["run_id"], "--json"
    )
    assert done.status == 0, done
    log = next((Path(run.data["run_dir"]) / "logs").glob("exit-check-*.log")).read_text()
    blocked, ignored = (int(log.partition(name)[2].split()[0], 16) for name in ("SigBlk:", "SigIgn:"))
    assert blocked == 0
    assert [one for one in (signal.SIGCHLD, signal.SIGINT, signal.SIGPIPE) if ignored >> one - 1 & 1] == []


@pytest.fixture
def hostile(project: Project, tmp_path: Path) -> dict[str, str]:
    """What a person's shell may export, set so that whoever heeds it is misled."""
    shadow = tmp_path / "shadow"
    shadow.mkdir()
    for name in ("json", "os", "signal", "sitecustomize", "usercustomize"):
        (shadow / f"{name}.py").write_text("raise SystemExit('misled by PYTHONPATH')\n")
    (tmp_path / "start.sh").write_text("echo misled by BASH_ENV; cd /; set -f; exec() { echo misled; }\n")
    for name in (".git", "lib", "bin", "okstra"):
        (tmp_path / "cdpath" / name).mkdir(parents=True)
    return {
        "CDPATH": f".:{tmp_path / 'cdpath'}",
        "BASH_ENV": str(tmp_path / "start.sh"),
        "ENV": str(tmp_path / "start.sh"),
        "BASH_FUNC_exec%%": "() { echo misled by a function; }",
        "BASH_FUNC_type%%": "() { echo misled by a function; }",
        "SHELLOPTS": "noglob:xtrace",
        "POSIXLY_CORRECT": "1",
        "PYTHONPATH": str(shadow),
        "PYTHONHOME": str(shadow),
        "PYTHONSTARTUP": str(shadow / "json.py"),
        "PYTHONWARNINGS": "error",
        "PYTHONOPTIMIZE": "2",
        "PYTHONSAFEPATH": "",
        "PYTHONIOENCODING": "latin-1",
    }


DOORS = [
    ["bin/okstra"],
    ["bin/okstra-ctl"],
    ["sh", "bin/okstra"],
]


@pytest.mark.parametrize("door", DOORS, ids=" ".join)
def test_no_door_is_misled(project: Project, hostile: dict[str, str], door: list[str]) -> None:
    project.adopt(independent(1))
    run = project.run_stage()
    assert run.status == 0, run
    words = [*door, "list", "--json"]
    done = subprocess.run(
        [str(ROOT / word) if "/" in word else word for word in words],
        cwd=project.repo.path,
        env={**project.okstra.environment, **hostile},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [row["run_id"] for row in json.loads(done.stdout)["data"]["runs"]] == [run.data["run_id"]]


def test_a_symlinked_door_is_called_through_its_link(project: Project, hostile: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "somewhere").mkdir()
    (tmp_path / "somewhere" / "okstra").symlink_to(ROOT / "bin" / "okstra")
    path = f"{tmp_path / 'somewhere'}:{project.okstra.environment['PATH']}"
    words = ["okstra", "--version"]
    environment = {**project.okstra.environment, **hostile, "PATH": path}
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("okstra ")


def test_the_console_script_of_a_wheel_starts_isolated(
    project: Project, tmp_path: Path, hostile: dict[str, str]
) -> None:
    """pip writes one that starts Python with the caller's variables; some of them end Python before okstra begins."""
    before = {"PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP"}
    environment = {name: value for name, value in hostile.items() if name not in before}
    (tmp_path / "late").mkdir()
    (tmp_path / "late" / "json.py").write_text("raise SystemExit('misled by PYTHONPATH')\n")
    script = tmp_path / "okstra-script"
    script.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.append({str(ROOT / 'python')!r})\n"
        "from okstra_ctl.process import main\nsys.exit(main())\n"
    )
    script.chmod(0o755)
    done = subprocess.run(
        [str(script), "list", "--json"],
        cwd=project.repo.path,
        env={**project.okstra.environment, **environment, "PYTHONPATH": str(tmp_path / "late")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, ""), done
    assert json.loads(done.stdout)["data"]["runs"] == []


@pytest.mark.parametrize("cdpath", [".:/", "{home}:."])
def test_the_guard_knows_its_repository_with_cdpath_exported(project: Project, tmp_path: Path, cdpath: str) -> None:
    """In the main checkout git calls its hooks with GIT_DIR=.git, a relative folder."""
    home = Path(project.okstra.environment["HOME"])
    (home / ".git").mkdir()
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "reference-transaction").symlink_to(ROOT / "lib" / "okstra" / "git-guard.sh")
    project.repo.environment.update(
        OKSTRA_GUARD_REPO=str(project.repo.path / ".git"),
        OKSTRA_GUARD_REF="",
        OKSTRA_GUARD_HOOKS=str(project.repo.path / ".git" / "hooks"),
        CDPATH=cdpath.format(home=home),
    )
    project.repo.git("-c", f"core.hooksPath={hooks}", "branch", "sneaky", check=False)
    assert project.repo.branches() == {"main"}
