"""A task's life through the real commands: every file it leaves, and every JSON answer, matches its schema."""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from okstra_ctl.command_table import COMMANDS
from okstra_ctl.errors import ERROR_CODES
from okstra_ctl.options import build_parser
from support import schemas
from support.machines import Farm
from support.okstra import Ended, Okstra, Project
from support.plans import plan_text
from support.rehearsal import finding, install, part, result
from support.repos import Repo
from support.sealed import sealed_environment

_CHECKOUT = re.compile(r"/worktrees/(\.trash|[^/]+/[^/]+/[^/]+/(task|stage-[0-9]+|proof/[a-z]+))(/|$)")
_SHOWN_TO_ALL = {"project.json", ".gitignore"}


class Recorder(Okstra):
    """The commands, keeping every answer."""

    def __init__(self, environment: dict[str, str], cwd: Path) -> None:
        super().__init__(environment, cwd)
        self.answers: list[tuple[str, Ended]] = []

    def __call__(self, *args: str | Path, cwd: Path | None = None, **more_environment: str) -> Ended:
        ended = super().__call__(*args, cwd=cwd, **more_environment)
        if "--json" in args:
            self.answers.append((" ".join(map(str, args)), ended))
        return ended


class Life(NamedTuple):
    """What a task's life left: the files (but for git's checkouts) and the answers on the way."""

    files: list[Path]
    folders: list[Path]
    answers: list[tuple[str, Ended]]


def _in_git(project: Project) -> None:
    okstra = project.okstra
    config = project.home / "config.json"
    config.write_text('{"models": {"lead": "opus"}}')  # a person writes it, okstra reads it
    config.chmod(0o600)
    project.run_phase("implementation-planning")
    plan = project.adopt({1: (), 2: (), 3: ()}, approved=False)
    project.run_stage()  # refused: not approved
    okstra("plan", "approve", plan, "--json")  # refused: nobody is there to ask
    for action in (("check",), ("approve", "--yes"), ("show",)):
        okstra.ok("plan", *action, plan, "--json")
    first, second, third = project.run_stage(), project.run_stage(), project.run_stage()
    project.run_stage()  # refused: nothing is ready
    okstra("stage", "done", "--run", first.data["run_id"], "--json")  # refused: no commit
    assert project.finish(first).status == 0
    okstra.ok("stage", "release", "--run", second.data["run_id"], "--note", "later", "--json")
    okstra("stage", "done", "--run", second.data["run_id"], "--json")  # refused, and recorded as an event
    okstra("worktree", "remove", f"{project.task_key}#stage-3", "--json")  # refused: held
    okstra.ok("integrate", "--task-key", project.task_key, "--json")
    okstra.ok("worktree", "remove", f"{project.task_key}#stage-1", "--json")
    okstra.ok("worktree", "restore", f"{project.task_key}#stage-1", "--json")
    okstra.ok("rerun", third.data["run_id"], "--render-only", "--json")
    okstra.ok("gc", "--json")
    okstra.ok("reconcile", "--apply", "--json")
    okstra.ok("backfill", "--dry-run", "--json")
    okstra.ok("worktree", "lookup", f"{project.task_key}#stage-3", "--json")
    okstra.ok("show", third.data["run_id"], "--json")
    okstra.ok("paths", third.data["run_id"], "--json")
    okstra.ok("stage", "list", "--plan", plan, "--json")
    okstra.ok("worktree", "list", "--json")
    _led(project)
    _asked(project)
    _settings(project)
    _clone(project)


def _clone(project: Project) -> None:
    """A second clone, which gets an id of its own; and a project that was said to be moved and was not."""
    project.repo.git("add", ".okstra/project.json")
    project.repo.git("-c", "user.name=P", "-c", "user.email=p@e", "commit", "-q", "-m", "settings")
    clone = project.repo.path.parent / "clone"
    project.repo.git("clone", "-q", str(project.repo.path), str(clone))
    project.okstra.ok("setup", "--project-id", "demo-2", "--yes", "--json", cwd=clone)
    local = clone / ".okstra" / "project.local.json"
    local.rename(project.home / local.name)  # where the files of this life are looked for
    project.okstra.ok("setup", "--moved", "--json")


def _led(project: Project) -> None:
    """A run that okstra leads: one that ends well, and one whose analyst fails."""
    key, rehearsal = project.task_key, ("--provider", "rehearsal", "--yes", "--json")
    settings = project.repo.path / ".okstra" / "project.json"
    settings.write_text(settings.read_text().replace('"qaCommands": []', '"qaCommands": ["true"]'))
    project.okstra.ok("trust", "--yes", "--json")
    wanted = [{"title": title, "task_type": "error-analysis", "reason": "r"} for title in ("One", "Two")]
    written = {"verdict": {"conclusion": "ok", "token": "accepted"}, "follow_ups": wanted}
    cited = result(finding("low", "It is so", "command `make it` exit 2"), verdict="accepted")
    install(
        project,
        part({"report": written}, role="report-writer"),
        part({"result": cited}, worker="rehearsal-a", round="", role="analyst"),
    )
    good = project.okstra.ok("run", "--task-key", key, "--task-type", "final-verification", *rehearsal)
    project.okstra.ok("wait", good.data["run_id"], "--json")
    project.okstra.ok("followups", "list", "--json")
    project.okstra.ok("followups", "spawn", good.data["run_id"], "--item", "FU-001", "--json")
    project.okstra.ok("followups", "dismiss", good.data["run_id"], "--item", "FU-002", "--reason", "no", "--json")
    (left,) = Path(good.data["run_dir"]).glob("worker-results/rehearsal-a-worker-*.md")
    project.okstra.ok("check", "result", left, "--json")
    project.okstra.ok("check", "evidence", good.data["run_id"], "--json")
    project.okstra.ok("check", "run", good.data["run_id"], "--json")
    project.okstra.ok("init", "--yes", "--json")
    project.okstra.ok("next", "--json")
    project.okstra.ok("seal", "show", good.data["run_id"], "--json")
    project.okstra.ok("seal", "verify", good.data["run_id"], "--json")
    for action in ("render", "views"):
        project.okstra.ok("report", action, good.data["run_id"], "--json")
    project.okstra.ok("report", "find", "--json")
    (rules,) = Path(good.data["run_dir"]).glob("state/guard-*.json")
    project.okstra("guard", "commit", "--rules", rules, "--json")  # refused: the phase commits nothing
    document = json.loads(rules.read_text())
    document["roles"] = {"executor": {"edits": True, "planned": [], "push": False}}
    free = project.repo.path.parent / "rules.json"
    free.write_text(json.dumps(document))
    project.okstra.ok("guard", "commit", "--rules", free, "--role", "executor", "--json")
    project.okstra.ok("guard", "verb", "uninstall", "--json")
    project.okstra("resume", good.data["run_id"], "--json")  # refused: completed
    project.okstra("handoff", key, "--json")  # refused: no step is chosen
    remote = project.repo.path.parent / "remote.git"
    project.repo.git("init", "--quiet", "--bare", str(remote))
    project.repo.git("remote", "add", "origin", str(remote))
    project.okstra.ok("handoff", key, "--push", "--yes", "--json")
    install(project, part({"fault": "garbage"}, worker="rehearsal-a", attempt=["1", "2"]))
    failed = project.okstra("run", "--task-key", key, "--task-type", "error-analysis", *rehearsal)
    assert failed.codes == ["task-finished"]
    again = ("--task-type", "error-analysis", "--fix-cycle", "yes")
    failed = project.okstra("run", "--task-key", key, *again, *rehearsal)
    assert failed.codes == ["run-failed"]
    project.okstra.ok("error-log", failed.data["run_id"], "--json")
    project.okstra.ok("usage", "--json")
    project.okstra.ok("quota", "--json")
    project.okstra.ok("usage", failed.data["run_id"], "--json")
    project.okstra("resume", failed.data["run_id"], "--json")
    project.okstra.ok("resume", failed.data["run_id"], "--json")
    install(project, part({"fault": "crash"}, role="analyst"))
    assert project.okstra("run", "--task-key", key, *again, *rehearsal).codes == ["run-failed"]


def _asked(project: Project) -> None:
    """The wizard, from its first question to the arguments."""
    known = (
        "--known",
        "task-group=g",
        "--known",
        "task-id=i",
        "--known",
        "task-type=error-analysis",
        "--known",
        "task-brief=Do it",
    )
    state = project.okstra.ok("wizard", "init", *known, "--json").data["state"]
    while not project.okstra.ok("wizard", "step", "--state", state, "--answer=", "--json").data["done"]:
        pass
    project.okstra.ok("wizard", "render-args", "--state", state, "--json")
    project.okstra.ok("wizard", "confirmation", "--state", state, "--json")
    project.okstra.ok("status", "--json")
    project.okstra.ok("projects", "--json")
    project.okstra.ok("history", "--task-key", project.task_key, "--json")
    project.okstra.ok("time-summary", "--by", "day", "--json")
    project.okstra.ok("board", "--json")
    again = "--with=--task-type error-analysis"
    project.okstra.ok("batch", "--task-key", project.task_key, again, "--dry-run", "--json")
    project.okstra.ok("open", project.task_key, "--json")


def _settings(project: Project) -> None:
    okstra = project.okstra
    okstra.ok("config", "set", "convergence.quorum", "2", "--json")
    okstra.ok("config", "get", "convergence.quorum", "--json")
    okstra.ok("config", "unset", "convergence.quorum", "--json")
    okstra.ok("config", "list", "--project", "--json")
    okstra.ok("brief", "new", "--title", "Ports", "--task-key", "demo:core:B-1", "--json")
    okstra.ok("brief", "show", "demo:core:B-1", "--json")
    okstra("brief", "check", "demo:core:B-1", "--json")  # it has a title and nothing else
    whole = okstra.cwd.parent / "whole.md"
    whole.write_text("# T\n## Request\nx\n## Requirements\n- x\n## Done when\nx\n")
    okstra.ok("brief", "check", whole, "--json")
    okstra.ok("plan", "new", "demo:core:T-1-1", "--json")
    okstra.ok("schedule", "--json")
    okstra.ok("board", "--json")
    for verb in ("diff", "cd", "drop", "restore"):
        okstra.ok(verb, project.task_key, "--json")
    okstra.ok("completion", "tasks", "--json")
    okstra.ok("memory", "add", "--title", "Ports", "--text", "The tests take port 8080.", "--json")
    for action in (("list",), ("show", "ports"), ("search", "port")):
        okstra.ok("memory", *action, "--json")
    okstra.ok("memory", "remove", "ports", "--json")


def _without_git(project: Project) -> None:
    project.run_phase("error-analysis")
    project.adopt({1: (), 2: (1,)})
    first = project.run_stage()
    assert first.data["worktree"]["status"] == "skipped-no-git"
    project.okstra.ok("stage", "done", "--run", first.data["run_id"], "--json")
    second = project.run_stage()
    project.okstra.ok("stage", "release", "--run", second.data["run_id"], "--json")


def _mistakes(project: Project) -> None:
    okstra = project.okstra
    bad = project.repo.path.parent / "bad.md"
    bad.write_text(plan_text({1: (2,), 2: (1,)}), encoding="utf-8")
    okstra("plan", "check", bad, "--json")
    okstra("plan", "show", project.repo.path / "none.md", "--json")
    okstra("show", "no run", "--json")
    okstra("list", "--no-such-flag", "--json")
    okstra("no-such-command", "--json")
    okstra("--json")
    okstra("run", "--json")
    okstra("setup", "--project-id", "other", "--yes", "--json")
    okstra("list", "--json", cwd=project.repo.path.parent)
    okstra("check-project", "--json", cwd=project.repo.path.parent)
    okstra("check-project", "--json")
    okstra("--version", "--json")
    okstra("--help", "--json")


def _live(tmp: Path, life: Callable[[Project], None], *, git: bool) -> Life:
    environment = sealed_environment(tmp / "home")
    (tmp / "home").mkdir()
    (tmp / "project").mkdir()
    repo = Repo.init(tmp / "project", environment) if git else Repo(tmp / "project", environment)
    recorder = Recorder(environment, repo.path)
    recorder.ok("setup", "--project-id", "demo", "--yes", "--json")
    recorder.ok("paths", "--json")
    recorder.ok("check-project", "--json")
    project = Project(repo, recorder)
    life(project)
    _mistakes(project)
    found = [
        path
        for root in (repo.path / ".okstra", project.home)
        for path in [root, *root.rglob("*")]
        if not _CHECKOUT.search(str(path))
    ]
    files = [path for path in found if not path.is_dir()]
    return Life(files, [path for path in found if path.is_dir()], recorder.answers)


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Life]]:
    """One life in a git repository, one without. Lived with no umask, so that every mode is what okstra asked for."""
    before = os.umask(0)
    try:
        folder = tmp_path_factory.mktemp
        yield [_live(folder("git"), _in_git, git=True), _live(folder("no-git"), _without_git, git=False)]
    finally:
        os.umask(before)


# They take their input from a client, or depend on the machine; tests of their own play them.
_MADE_ELSEWHERE = {
    "quarantine.json",
    "state.json",
    "pull-request.jsonl",
    "placed-*.json",
    "task.json",
    "*.watched.json",
}  # tests/quarantine, tests/sandbox, tests/pulls, tests/fleet, tests/sharing, tests/remote
_TESTED_ELSEWHERE = {
    *("guard tool", "worker exec", "doctor", "agents", "seal sign", "notify test", "review", "pr sync", "demo", "mcp"),
    *("remote use", "remote check", "remote show", "task fetch", "stage publish"),
    *("work", "fleet init", "fleet up", "fleet status", "fleet down", "fleet logs", "fleet cancel"),
}


def test_every_json_file_matches_its_schema(lives: list[Life]) -> None:
    kept = [path for life in lives for path in life.files if path.suffix in (".json", ".jsonl")]
    assert [fault for path in kept for fault in schemas.faults_of_file(path)] == []
    never_made = {
        pattern for pattern in schemas.DOCUMENTS | schemas.ROWS if not any(path.match(pattern) for path in kept)
    }
    assert never_made == _MADE_ELSEWHERE, "a schema that nothing was checked against"


def test_what_is_kept_at_a_remote_of_tasks_that_are_over_matches_its_schema(tmp_path: Path) -> None:
    farm = Farm(tmp_path)
    machine = farm.machine("a")
    farm.approve(machine, {1: ()})
    assert machine.finish(machine.run_stage()).status == 0
    machine.okstra.ok("integrate", "--task-key", machine.task_key)
    (done,) = machine.okstra.ok("gc", "--remote", "--json").data["tasks"]
    assert done["archived"], done
    kept = json.loads(machine.repo.git("-C", str(farm.bare), "show", "refs/okstra/archive:task.json"))
    assert schemas.faults(kept, "archived-tasks") == []
    (ref,) = kept["tasks"]
    assert schemas.faults({**kept, "tasks": {ref: "HEAD"}}, "archived-tasks") != []


def test_every_answer_matches_the_envelope(lives: list[Life]) -> None:
    answers = [answer for life in lives for answer in life.answers]
    for call, ended in answers:
        assert schemas.faults(ended.envelope, "envelope") == [], call
        assert ended.envelope["status"] == {0: "ok", 3: "refused"}.get(ended.status, "error"), (call, ended)
        assert {ERROR_CODES[code].exit_status for code in ended.codes} <= {ended.status}, (call, ended)
        assert "Traceback" not in ended.stderr, (call, ended)
    assert {ended.status for _, ended in answers} >= {0, 2, 3, 4, 69}


def test_every_command_answered(lives: list[Life]) -> None:
    answered = {
        ended.envelope["okstra"].removesuffix("/1") for life in lives for _, ended in life.answers if ended.status == 0
    }
    assert _labels() - answered <= _TESTED_ELSEWHERE


def test_what_okstra_makes_is_for_its_user_alone(lives: list[Life]) -> None:
    for life in lives:
        assert [str(path) for path in life.folders if path.stat().st_mode & 0o777 != 0o700] == []
        for path in (path for path in life.files if not path.is_symlink()):
            wanted = 0o644 if path.name in _SHOWN_TO_ALL else 0o600
            assert oct(path.stat().st_mode & 0o777) == oct(wanted), path


def _labels() -> set[str]:
    """Every command, with its actions."""
    labels = set()
    for command in COMMANDS:
        parser, _ = build_parser(command)
        subparsers = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
        labels |= {f"{command.name} {name}" for action in subparsers for name in action.choices} or {command.name}
    return labels
