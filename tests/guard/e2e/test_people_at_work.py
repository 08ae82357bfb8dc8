"""People go on working in their checkout while a run is going on: no phase fails for it, and nothing of theirs goes."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from okstra_ctl.sandbox.choice import Kind
from support.contained_lab import can_contain
from support.okstra import Ended, Project
from support.plans import independent
from support.rehearsal import executed, install, led, led_args, part, report_of
from support.repos import Repo
from support.sealed import ROOT

PHASES = (
    "requirements-discovery",
    "improvement-discovery",
    "error-analysis",
    "implementation-planning",
    "implementation",
    "final-verification",
    "release-handoff",
)
WORK = "an hour of work\n"


@pytest.fixture
def upstream(project: Project) -> Repo:
    """Another clone of the project's remote, for others to push from."""
    folder = project.repo.path.parent
    bare = folder / "remote.git"
    project.repo.git("init", "--quiet", "--bare", str(bare))
    project.repo.git("remote", "add", "origin", str(bare))
    project.repo.commit({"src.py": "x = 1\n", "old.py": "x = 2\n", ".gitignore": "*.log\n.env\n"}, "More")
    project.repo.git("push", "--quiet", "origin", "main")
    project.repo.git("clone", "--quiet", "--branch", "main", str(bare), str(folder / "other"))
    return Repo(folder / "other", project.repo.environment)


class Gate:
    """Where the run's first worker waits until the person has done what there is to do."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked, self.open = folder, folder / "asked", folder / "open"
        folder.mkdir(exist_ok=True)

    def _step(self, asked: str) -> str:
        return f"touch {asked}; until test -e '{self.open}'; do sleep 0.05; done"

    def hold_push(self, project: Project) -> None:
        """Makes a push pass the gate: a hand-off has no workers."""
        hook = project.repo.path / ".git" / "hooks" / "pre-push"
        hook.write_text(f"#!/bin/sh\n{self._step(str(self.asked))}\n")
        hook.chmod(0o755)

    def hold_workers(self, project: Project) -> None:
        """Makes every worker of the script pass the gate before all else. A contained one sees the gate, and can write
        beside its result alone."""
        project.okstra.ok("config", "set", "sandboxWritable", str(self.folder))
        step = self._step('"$(dirname "$OKSTRA_RESULT")/asked"')
        script = project.repo.path / ".okstra" / "script.toml"
        text = script.read_text(encoding="utf-8")
        script.write_text(text.replace("\nsteps = [", f"\nsteps = [ {{ run = {json.dumps(step)} }},"))

    def await_worker(self, run: subprocess.Popen[str], project: Project) -> None:
        end = time.monotonic() + 90
        while not self.asked.exists() and not list(project.task_root.rglob("drops-*/*/asked")):
            assert run.poll() is None, run.communicate()
            assert time.monotonic() < end
            time.sleep(0.05)


def prepare(project: Project, phase: str) -> None:
    if phase == "implementation":
        project.adopt(independent(1))
        write = {"write": {"path": "stage-1/it.py", "content": "# it\n"}}
        install(project, part(write, {"commit": "feat: it"}, {"result": executed(1, 2)}, role="executor"))
        return
    accepted = {"report": {"verdict": {"conclusion": "ok", "token": "accepted"}}}
    install(project, part(accepted, role="report-writer", phase="final-verification"))
    settings = project.repo.path / ".okstra" / "project.json"
    settings.write_text(settings.read_text().replace('"qaCommands": []', '"qaCommands": ["true"]'))
    if phase == "release-handoff":
        assert led(project, "final-verification").status == 0


def work_as_a_person_does(project: Project, upstream: Repo) -> dict[tuple[str, str], str]:
    """Everything that one does in an afternoon; answers what the receipt must note, and what is there afterwards."""
    repo, home = project.repo, Path(project.okstra.environment["HOME"])
    upstream.commit({"theirs.py": "x = 1\n"}, "Theirs")
    upstream.git("push", "--quiet", "origin", "HEAD:main")
    repo.git("fetch", "--quiet")
    (repo.path / "mine.py").write_text(WORK)
    repo.git("add", "mine.py")
    repo.git("commit", "--quiet", "--message", "Mine", "--", "mine.py")
    repo.git("branch", "idea")
    repo.git("tag", "v1")
    (repo.path / "src.py").write_text("stashed " + WORK)
    repo.git("stash", "push", "--quiet", "--", "src.py")
    repo.git("switch", "--quiet", "--create", "experiment")
    repo.git("config", "alias.st", "status")
    (repo.path / "README.md").write_text(WORK)
    (repo.path / "src.py").write_text(WORK)
    repo.git("add", "src.py")
    (repo.path / "old.py").unlink()
    (repo.path / "notes.txt").write_text(WORK)
    (repo.path / ".env").write_text(WORK)
    (repo.path / ".git" / "hooks" / "post-commit").write_text("#!/bin/sh\n")
    plugins = home / ".claude" / "plugins"
    plugins.mkdir(parents=True)
    (plugins / "known.json").write_text("{}")
    return {
        ("remote-ref", "refs/remotes/origin/main"): repo.git("rev-parse", "origin/main"),
        ("ref", "refs/heads/main"): repo.git("rev-parse", "main"),
        ("ref", "refs/heads/idea"): repo.git("rev-parse", "idea"),
        ("ref", "refs/heads/experiment"): repo.git("rev-parse", "experiment"),
        ("ref", "refs/tags/v1"): repo.git("rev-parse", "v1"),
        ("ref", "refs/stash"): repo.git("rev-parse", "stash"),
        ("head", str(repo.path)): "experiment",
        ("main-worktree", "README.md"): WORK,
        ("main-worktree", "src.py"): WORK,
        ("main-worktree", "old.py"): "",
        ("main-worktree", "notes.txt"): WORK,
        ("ignored-file", ".env"): WORK,
        ("settings", str(repo.path / ".git" / "config")): "",
        ("settings", str(repo.path / ".git" / "hooks" / "post-commit")): "",
        ("settings", str(plugins / "known.json")): "",
    }


def led_with_a_person(project: Project, phase: str, upstream: Repo) -> tuple[Ended, dict[tuple[str, str], str]]:
    prepare(project, phase)
    gate = Gate(project.repo.path.parent / "gate")
    handed_off = phase == "release-handoff"
    (gate.hold_push if handed_off else gate.hold_workers)(project)
    steps = ("--push",) if handed_off else ()
    run = project.okstra.start(*led_args(project, phase), *steps)
    try:
        gate.await_worker(run, project)
        done = work_as_a_person_does(project, upstream)
    finally:
        gate.open.touch()
    stdout, stderr = run.communicate(timeout=180)
    return Ended(run.returncode, stdout, stderr), done


def isolation_of(ended: Ended) -> dict[str, Any]:
    isolation: dict[str, Any] = report_of(ended)["isolation"]
    return isolation


def _contained(phase: str) -> object:
    marks = [pytest.mark.contained] if phase == "implementation" else [pytest.mark.contained, pytest.mark.stress]
    return pytest.param(phase, can_contain(Kind.BWRAP), marks=marks, id=f"{phase}-contained")


@pytest.mark.parametrize(
    ("phase", "contained"),
    [*(pytest.param(phase, False, id=phase) for phase in PHASES), *map(_contained, PHASES)],
)
def test_what_a_person_does_meanwhile_is_noted_and_fails_no_phase(
    project: Project, upstream: Repo, phase: str, contained: bool
) -> None:
    ended, done = led_with_a_person(project, phase, upstream)
    assert ended.status == 0, ended
    isolation = isolation_of(ended)
    assert isolation["breaches"] == []
    notes = {(one["kind"], one["what"]): one for one in isolation["notes"]}
    assert set(notes) == set(done)
    author = "person or other program" if contained or phase == "release-handoff" else "unknown"
    assert {(one["author"], one["undo"]) for one in notes.values()} == {(author, "")}
    for (kind, what), expected in done.items():
        if kind in ("ref", "remote-ref"):
            assert project.repo.git("rev-parse", what) == expected
        elif kind in ("main-worktree", "ignored-file") and expected:
            assert (project.repo.path / what).read_text() == expected
    text = Path(ended.data["report"]).read_text()
    assert "refs/remotes/origin/main" in text.partition("Changed meanwhile")[2]
    checked = project.okstra.ok("check", "run", ended.data["run_id"])
    assert f"note: changed meanwhile ({author}): remote-ref refs/remotes/origin/main" in checked.stdout
    by = "somebody who is not known" if author == "unknown" else f"a {author}"
    assert f"changed meanwhile, by {by}: remote-ref refs/remotes/origin/main" in ended.stderr


def test_a_log_that_is_written_into_the_repository_is_a_note(project: Project) -> None:
    install(project)
    log = project.repo.path / "run.log"
    argv = [str(ROOT / "bin" / "okstra"), *led_args(project, "error-analysis")]
    with log.open("w") as file:
        done = subprocess.run(argv, cwd=project.repo.path, env=project.okstra.environment, stdout=file, timeout=120)
    assert done.returncode == 0, log.read_text()
