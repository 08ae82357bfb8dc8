"""What a task found, changed and cost, and where it lies: `show`, `diff`, `cd`, `open --editor`."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from support.okstra import Project
from support.plans import independent
from support.rehearsal import led
from support.sealed import ROOT
from support.terminal import Terminal

KEY = Project.task_key


def test_show_of_a_task_says_what_was_asked_and_what_came_of_it(project: Project) -> None:
    led(project, "error-analysis")
    data = project.okstra.ok("show", "T-1", "--json").data
    assert (data["title"], data["request"]) == ("The thing", "Do the thing.")
    assert data["verdict"] == "cause-established" or data["verdict"], data
    assert set(data["gates"]) >= {"convergence", "report"}
    assert data["cost"] == "nothing: a rehearsal"
    lines = [line.split(None, 1) for line in project.okstra.ok("show", KEY).stdout.splitlines()]
    names = [line[0] for line in lines]
    assert names[:3] == ["run", "title", "request"]
    assert {"verdict", "gate", "cost", "status", "next"} <= set(names)


def test_diff_cd_and_the_editor_find_a_tasks_and_a_stages_worktree(project: Project) -> None:
    project.adopt(independent(1))
    stage = project.run_stage()
    at = Path(stage.data["worktree"]["path"])
    project.work(stage)
    (at / "stage-1" / "it.py").write_text("# changed\n")
    (at / "new.txt").write_text("new\n")
    shown = project.okstra.ok("diff", "T-1", "--stage", "1")
    assert shown.stderr == "not in git yet: new.txt\n"
    (at / "new.txt").unlink()
    assert "+# changed" in shown.stdout.splitlines()
    assert "stage-1/it.py" in project.okstra.ok("diff", KEY, "--stage", "1", "--stat").stdout
    data = project.okstra.ok("diff", KEY, "--stage", "1", "--json").data
    assert (data["files"], data["not_committed"]) == (["stage-1/it.py"], ["stage-1/it.py"])
    assert project.okstra.ok("diff", KEY, "--json").data["files"] == []

    task = project.okstra.ok("cd", "T-1").stdout.strip()
    assert Path(task).is_dir()
    assert project.okstra.ok("cd", KEY, "--stage", "1").stdout.strip() == str(at)
    exported = project.okstra.ok("cd", KEY, "--stage", "1", "--env").stdout
    told = subprocess.run(["sh", "-c", f"{exported}\necho $OKSTRA_TASK_BRANCH"], capture_output=True, text=True)
    assert told.stdout.strip() == stage.data["worktree"]["branch"]
    assert project.okstra.ok("cd", ".", cwd=at).stdout.strip() == task

    assert project.okstra.ok("open", KEY, "--editor").stdout.strip() == task
    argv = [str(ROOT / "bin" / "okstra"), "open", KEY, "--editor"]
    terminal = Terminal(argv, project.repo.path, {**project.okstra.environment, "VISUAL": "echo edits"})
    terminal.wait_for(f"edits {task}")
    assert terminal.end() == 0
    none = {**project.okstra.environment, "VISUAL": "", "EDITOR": ""}
    assert Terminal(argv, project.repo.path, none).end() == 2

    project.okstra.ok("stage", "release", "--run", stage.data["run_id"], "--force")
    for words in (("diff", KEY, "--stage", "1"), ("cd", KEY, "--stage", "1"), ("cd", KEY, "--stage", "7")):
        refused = project.okstra(*words, "--json")
        assert (refused.status, refused.codes) == (2, ["not-found"])
    shutil.rmtree(task)
    gone = project.okstra("cd", KEY, "--json")
    assert gone.codes == ["not-found"]
    assert gone.envelope["errors"][0]["try"] == f"okstra worktree restore {KEY}"
    assert project.okstra.ok("diff", KEY, "--json").data["files"] == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_function_goes_there(project: Project, tmp_path: Path, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not there")
    assert project.run_phase().status == 0
    place = project.okstra.ok("cd", KEY).stdout.strip()
    script = tmp_path / "script"
    script.write_text(project.okstra.ok("completion", shell).stdout)
    quiet = "compdef() { : }; " if shell == "zsh" else ""
    environment = {**project.okstra.environment, "PATH": f"{ROOT / 'bin'}:{project.okstra.environment['PATH']}"}
    line = f"{quiet}. {shlex.quote(str(script))}; okcd T-1; pwd"
    went = subprocess.run([shell, "-c", line], cwd=project.repo.path, env=environment, capture_output=True, text=True)
    assert went.stdout.strip() == place, went
