"""Every command with a flag it does not know, with too many words, and with none: in a project and outside of one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from okstra_ctl.command_table import IN_NODE, VERBS
from support.okstra import Project
from support.plans import independent
from support.sealed import ROOT

# They play for seconds, wait for a client, or look at the whole machine; their own tests call them wrongly.
_APART = {"demo", "worker exec", "guard tool", "doctor", "agents"}
LABELS = [label for label in VERBS if label not in {*dict(IN_NODE), *_APART}]
# Takes any number of words: `memory search` looks for them, `schedule` takes them as tasks.
_TAKE_WORDS = {
    "memory search": (0, []),
    "quota": (2, ["unknown-worker"]),
    "schedule": (2, ["task-unknown"]),
    "config set": (2, ["unknown-setting"]),
}
_NEED_NOTHING = {
    *("trust", "check-project", "config list", "memory list", "wizard init", "seal show", "seal verify", "report find"),
    *(
        "status",
        "fleet status",
        "board",
        "schedule",
        "projects",
        "list",
        "time-summary",
        "usage",
        "quota",
        "error-log",
        "followups list",
        "paths",
    ),
    *("remote show", "worktree list", "reconcile", "backfill", "gc", "init", "mcp"),
}
_LACK = {
    "setup": ["project-id-mismatch", "input-missing"],
    **{label: ["input-missing"] for label in ("notify test", "brief new", "batch")},
    "review": ["nothing-to-review"],
    "run": ["input-missing", "request-missing"],
    "next": ["not-found"],
    "remote check": ["bad-config"],
}
# Each call is a fork of one process that has okstra loaded: two hundred starts of Python would take as many seconds.
_CALLS = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from okstra_ctl import cli
for line in json.load(sys.stdin):
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        null = os.open(os.devnull, os.O_RDONLY)
        for number, end, mode in ((0, null, "r"), (1, write, "w"), (2, write, "w")):
            os.dup2(end, number)
            setattr(sys, ("stdin", "stdout", "stderr")[number], os.fdopen(number, mode, closefd=False))
        os.close(read), os.close(write)
        status = 99
        try:
            status = cli.main(line)
            sys.stdout.flush(), sys.stderr.flush()
        finally:
            os._exit(status)
    os.close(write)
    with os.fdopen(read) as said:
        text = said.read()
    print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), text]), flush=True)
"""


def _calls(project: Project, cwd: Path, lines: list[list[str]]) -> list[tuple[int, dict[str, Any], str]]:
    """How each call ended: its status, its envelope, and all that it printed."""
    argv = [sys.executable, "-I", "-X", "utf8", "-c", _CALLS, str(ROOT / "python")]
    done = subprocess.run(
        argv,
        input=json.dumps(lines),
        cwd=cwd,
        env=project.okstra.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    found = []
    for row in done.stdout.splitlines():
        status, text = json.loads(row)
        assert "Traceback" not in text, text
        (envelope,) = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        found.append((status, envelope, text))
    assert len(found) == len(lines)
    return found


def _codes(envelope: dict[str, Any]) -> list[str]:
    return [error["code"] for error in envelope["errors"]]


@pytest.fixture
def place(project: Project) -> Path:
    """A subfolder of the project."""
    folder = project.repo.path / "sub" / "folder"
    folder.mkdir(parents=True)
    return folder


def test_an_unknown_flag_is_named_with_a_way_on(project: Project, place: Path) -> None:
    lines = [[*label.split(), "--no-such-flag", "--json"] for label in LABELS]
    for label, (status, envelope, _) in zip(LABELS, _calls(project, place, lines), strict=True):
        assert (status, _codes(envelope)) == (2, ["usage"]), (label, envelope)
        (error,) = envelope["errors"]
        # what it lacks may be named first
        assert "--no-such-flag" in error["message"] or "required" in error["message"], (label, error)
        assert error["try"], label


def test_too_many_words_are_refused(project: Project, place: Path) -> None:
    lines = [[*label.split(), "x:y:z", "w", "v", "u", "t", "s", "--json"] for label in LABELS]
    for label, (status, envelope, _) in zip(LABELS, _calls(project, place, lines), strict=True):
        assert (status, _codes(envelope)) == _TAKE_WORDS.get(label, (2, ["usage"])), (label, envelope)


def test_without_a_word_a_command_shows_something_or_says_what_it_lacks(project: Project, place: Path) -> None:
    lines = [[*label.split(), "--json"] for label in LABELS]
    for label, (status, envelope, text) in zip(LABELS, _calls(project, place, lines), strict=True):
        if label in _NEED_NOTHING:
            assert (status, _codes(envelope)) == (0, []), (label, text)
        else:
            assert status == 2, (label, text)
            assert set(_codes(envelope)) <= set(_LACK.get(label, ["usage"])), (label, text)


def test_inside_a_worktree_a_command_answers_as_in_the_project_that_owns_it(project: Project, place: Path) -> None:
    project.repo.commit({".okstra/.gitignore": "*\n!project.json\n", "src/deep/code.py": "1\n"})
    project.adopt(independent(2))
    top = Path(project.run_stage().data["worktree"]["path"])
    labels = [label for label in LABELS if label in {*_NEED_NOTHING, *_LACK} - {"mcp"}]  # the others lack an argument
    lines = [[*label.split(), "--json"] for label in labels]
    at_home, inside = (_calls(project, folder, lines) for folder in (place, top / "src" / "deep"))
    for label, (was, home, _), (status, envelope, text) in zip(labels, at_home, inside, strict=True):
        assert (status, _codes(envelope)) == (was, _codes(home)), (label, text)
        if not VERBS[label].changes:
            assert {**envelope["data"], "at": ""} == {**home["data"], "at": ""}, (label, text)
    written = project.repo.git("-C", str(top), "status", "--porcelain", "--ignored")
    assert not written, f"something was written into the worktree: {written}"


def test_outside_a_project_a_command_says_so_or_needs_none(project: Project, tmp_path: Path) -> None:
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    labels = [label for label in LABELS if label not in ("init", "setup", "trust", "brief new", "notify test")]
    lines = [[*label.split(), "--json"] for label in labels]
    for label, (status, envelope, text) in zip(labels, _calls(project, outside, lines), strict=True):
        wanted = {"usage", "not-a-project", "not-found", "input-missing", "request-missing", "no-checkout"}
        codes = set(_codes(envelope))
        assert codes <= wanted, (label, text)
        assert status == (69 if codes == {"not-a-project"} else 2 if codes else 0), (label, text)
    assert list(outside.iterdir()) == []


# What reads, with its arguments: KEY and RUN stand for the task's key and the run of its stage.
_READ_OF = (
    *("show KEY", "show T-1/stage-1", "diff T-1 --stat", "cd KEY", "cd KEY --env", "history KEY", "usage KEY"),
    *("error-log RUN", "paths RUN", "plan check KEY", "plan show T-1", "stage list KEY", "check run RUN"),
    *("report find --task-key KEY", "worktree lookup KEY#stage-1", "next T-1", "schedule KEY", "status --task-key KEY"),
    *("list --task-key T-1", "time-summary --by task", "config get --project qaCommands", "integrate KEY --forecast"),
    *("batch --ready-stages T-1 --dry-run", "worktree list"),
    *("run --task-key T-1 --task-type error-analysis --request x --dry-run", "gc --dry-run", "board --project demo"),
)
# What has nothing good to show of that task.
_REFUSED_OF = {
    "brief check sub/folder/brief.md": "brief-incomplete",
    "seal show RUN": "not-found",
    "brief show KEY": "not-found",
    "handoff KEY --dry-run": "nothing-chosen",
    "followups list RUN": "not-found",
    "wait RUN --timeout 0": "wait-over",
    "resume T-1/planning": "not-found",
    "show T-2": "task-unknown",
}
# What changes: done in the worktree, and then seen in the project.
_CHANGE_OF = {
    "config set --project qaCommands true": ("config get --project qaCommands", '"value": ["true"]'),
    "brief new --title Later --task-key demo:core:T-9": ("brief show demo:core:T-9", "Later"),
    "run --again RUN --render-only": ("show T-1/stage-1", "stage-1/002"),
    "drop KEY": ("show KEY", '"status": "dropped"'),
}


def test_a_command_with_arguments_acts_on_the_project_that_owns_the_worktree(project: Project, place: Path) -> None:
    (place / "brief.md").write_text("# It\n\nDo it.\n")
    project.repo.commit({".okstra/.gitignore": "*\n!project.json\n", "src/deep/code.py": "1\n"})
    project.adopt(independent(2))
    prepared = project.run_stage().data
    top, run = Path(prepared["worktree"]["path"]), prepared["run_id"]

    def words(line: str) -> list[str]:
        return [*line.replace("KEY", project.task_key).replace("RUN", run).split(), "--json"]

    lines = [*_READ_OF, *_REFUSED_OF]
    at_home, inside = (_calls(project, folder, [*map(words, lines)]) for folder in (project.repo.path, top))
    for line, (was, home, _), (status, envelope, text) in zip(lines, at_home, inside, strict=True):
        wanted = _REFUSED_OF.get(line, "")
        assert _codes(home) == ([wanted] if wanted else []), (line, home)
        assert (status, _codes(envelope)) == (was, _codes(home)), (line, text)
        assert {**envelope["data"], "at": ""} == {**home["data"], "at": ""}, (line, text)
    for line, (seen, wanted) in _CHANGE_OF.items():
        ((status, _, text),) = _calls(project, top / "src" / "deep", [words(line)])
        assert status == 0, (line, text)
        ((_, _, shown),) = _calls(project, place, [words(seen)])
        assert wanted in shown, (line, shown)
    assert not top.exists(), "drop removed it, with nothing in it that was not committed"
