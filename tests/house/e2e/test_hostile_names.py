"""Names as nobody should choose them: refused with a code, or carried whole; never run, never a path."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import hostile
from support.okstra import Ended
from support.stand import Stand

SHELL = (
    "$(touch pwned)",
    "`touch pwned`",
    "; touch pwned;",
    "| touch pwned",
    "&& touch pwned",
    "> pwned",
    "'\"; touch pwned",
)
NAMES = (
    *("a\nb", "a\r\nb", "\t", "a\0b", "\x1b[31mred", "\u2028", "\u202egnp", "\ud800", "\udcff", ""),
    *(
        ".",
        "..",
        "../..",
        "../../../outside/x",
        "/etc/passwd",
        "~",
        "~/x",
        "a/../../b",
        ".git",
        ".okstra",
        "...",
        "a/b",
    ),
    *("데이터", "한글 과제/둘", "e\u0301", "🚀", "İ", "ß", "ﬁ", "Ⅳ", "０１"),
    *("-rf", "--force", "--", "-", "-s1", "a -b"),
    *("a" * 64, "a" * 65, "a" * 255, "é" * 32, "한" * 22, "a" * 100_000),
    *(
        "HEAD",
        "refs/heads/main",
        "main",
        "@",
        "@{-1}",
        "a..b",
        "a.lock",
        ".lock",
        "a^b",
        "a~1",
        "a?b",
        "a*b",
        "[a]",
        "a\\b",
    ),
    *("con", "aux.txt", "%s", "{0}", "a:b", ":", "::", "1#stage-1", "a#stage-2", "task", "stage-1", "a,b", "null"),
    *SHELL,
)
REFUSED = {"bad-identity", "name-taken", "branch-exists", "input-missing", "usage", "project-exists"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Stand:
    return Stand(tmp_path_factory.mktemp("names"))


@pytest.fixture
def stand(built: Stand) -> Iterator[Stand]:
    yield built
    built.kept.restore()


def call(stand: Stand, *argv: str) -> Ended:
    """A call whose end is clear, and which left nothing where it has no business."""
    outside = hostile.contents(stand.outside)
    ended = stand.call(argv)
    assert not hostile.faults_of(ended), (argv, ended)
    assert not stand.strays(outside), argv
    assert not [path for path in stand.folder.rglob("pwned") if path.is_file()], f"a name was run: {argv}"
    assert "\x1b" not in ended.stderr, "a terminal escape got through"
    return ended


def analysis(*flags: str) -> tuple[str, ...]:
    return ("run", *flags, "--task-type", "error-analysis", "--request=Do it.", "--render-only")


def check_carried(stand: Stand, prepared: Ended, *, task_id: str, group: str) -> None:
    """Every command knows the task by its very name, and all its folders are where they belong."""
    manifest = json.loads(Path(prepared.data["manifest"]).read_text())
    assert (manifest["task_id"], manifest["task_group"]) == (task_id, group)
    worktree = Path(prepared.data["worktree"]["path"])
    places = stand.project.home / "worktrees" / "demo"
    assert worktree.parts[: len(places.parts)] == places.parts and len(worktree.parts) == len(places.parts) + 3
    assert ".." not in worktree.parts and worktree.is_dir()
    tasks = stand.project.repo.path / ".okstra" / "tasks"
    assert os.path.realpath(prepared.data["run_dir"]).startswith(f"{tasks}{os.sep}")
    branch = prepared.data["worktree"]["branch"]
    assert branch in stand.project.repo.branches()
    assert prepared.data["run_id"] in [run["run_id"] for run in call(stand, "list").data["runs"]]
    assert call(stand, "show", prepared.data["run_id"]).status == 0
    assert call(stand, "rerun", prepared.data["run_id"], "--render-only").status == 0
    assert call(stand, "reconcile").status == 0
    key = prepared.data["task_key"]
    assert call(stand, "worktree", "lookup", key).data["path"] == str(worktree)
    assert call(stand, "worktree", "remove", key, "--force").status == 0
    assert not worktree.exists()


def some(index: int) -> tuple[str, ...]:
    """A fifth of the names: so the cases go to several workers, and a failure names few."""
    return NAMES[index::5]


@pytest.mark.parametrize("part", range(5))
def test_task_ids(stand: Stand, part: int) -> None:
    seen = set()
    for name in some(part):
        ended = call(stand, *analysis(f"--task-key=demo:odd:{name}"))
        seen.add(ended.status)
        if ended.status == 0:
            check_carried(stand, ended, task_id=name, group="odd")
        else:
            assert set(ended.codes) <= REFUSED, (name, ended)
        stand.kept.restore()
    assert seen >= {0, 2}, "all were taken, or none"


@pytest.mark.parametrize("part", range(5))
def test_task_groups(stand: Stand, part: int) -> None:
    for name in some(part)[::2]:
        ended = call(stand, *analysis(f"--task-group={name}", "--task-id=one"))
        if ended.status == 0:
            check_carried(stand, ended, task_id="one", group=name)
        else:
            assert set(ended.codes) <= REFUSED, (name, ended)
        stand.kept.restore()


def test_project_ids(stand: Stand) -> None:
    """A project is registered under the name as it is given, or not at all."""
    config = stand.project.repo.path / ".okstra" / "project.json"
    for name in NAMES:
        config.unlink()
        ended = call(stand, "setup", f"--project-id={name}", "--yes")
        if ended.status == 0:
            assert json.loads(config.read_text())["projectId"] == name
            assert call(stand, "check-project").status == 0, name
            assert call(stand, *analysis("--task-group=g", "--task-id=one")).status == 0, name
        else:
            assert set(ended.codes) <= REFUSED, (name, ended)
            assert not config.exists()
        stand.kept.restore()


_LARGE = "9" * 5000
# What a run of the task's stage and one of an analysis end with; the exceptions are numbers, of some kind.
_ENDS = {
    "--work-category": ("input-missing", "usage"),
    "--base-ref": ("input-missing", "bad-ref"),
    "--stage": ("usage", ""),
    "--workers": ("unknown-worker", "unknown-worker"),
    "--executor": ("unknown-worker", "unknown-worker"),
    "--budget": ("usage", "usage"),
}
_NUMBERS = {
    ("--stage", _LARGE): ("input-missing", ""),
    ("--stage", "\u00b2"): ("input-missing", ""),
    ("--budget", _LARGE): ("input-missing", ""),
}


@pytest.mark.parametrize("flag", _ENDS)
def test_values_of_flags_are_not_run(stand: Stand, flag: str) -> None:
    for value in (*SHELL, "-rf", "--output=pwned", "../..", "a\0b", "\ud800", _LARGE, "\u00b2"):
        argv = (
            "run",
            "--task-key=demo:odd:new",
            "--request=Do it.",
            "--task-type=implementation",
            "--render-only",
            f"{flag}={value}",
        )
        plain = analysis("--task-key=demo:odd:new", f"{flag}={value}")
        for words, code in zip((argv, plain), _NUMBERS.get((flag, value), _ENDS[flag]), strict=True):
            ended = call(stand, *words)
            assert (ended.status, ended.codes) == ((2, [code]) if code else (0, [])), (flag, value, ended)
    stand.kept.restore()


def test_a_work_category_in_a_manifest_is_not_run(stand: Stand) -> None:
    path = stand.project.task_root / "task-manifest.json"
    for value in (*SHELL, "-rf", "../..", "a\nb"):
        manifest = json.loads(path.read_text())
        path.write_text(json.dumps({**manifest, "work_category": value}))
        assert call(stand, *analysis(f"--task-key={stand.project.task_key}")).codes == ["usage"]


@pytest.mark.parametrize(
    "command", ["show", "rerun", "paths", "stage done --run", "stage release --run", "worktree remove"]
)
def test_ids_that_are_none(stand: Stand, command: str) -> None:
    *words, last = command.split()
    for name in (
        *NAMES,
        "demo:core:T-1/implementation/stage-99999999999999999999/001",
        "demo:core:T-1/x/" + "9" * 5000,
    ):
        argv = (*words, f"{last}={name}") if last.startswith("--") else (*words, last, "--", name)
        ended = call(stand, *argv)
        assert ended.status == 2, (name, ended)
        assert ended.codes in (["bad-identity"], ["not-found"], ["usage"], ["task-unknown"]), (name, ended)


def test_plans_that_are_none(stand: Stand) -> None:
    texts = (str(stand.outside / "secret"), "/etc/passwd")
    devices = ("/dev/zero", "/dev/null", "/proc/self/mem")
    for name in (*NAMES, str(stand.outside), *texts, *devices):
        no_name = name in devices or "\0" in name or name in ("\ud800", "a" * 100_000)
        ends = (65, ["plan-unreadable"]) if no_name or (name and Path(name).is_dir()) else (2, ["not-found"])
        ends = (4, ["plan-invalid"]) if name in texts else ends
        adopt = ("plan", "adopt", f"--task-key={stand.project.task_key}", "--", name)
        for argv in (("plan", "check", "--", name), ("stage", "list", f"--plan={name}"), adopt):
            ended = call(stand, *argv)
            may_be_a_task = argv is not adopt and name and "/" not in name
            others = [(2, ["task-unknown"]), (2, ["bad-identity"])] if may_be_a_task else []
            assert (ended.status, ended.codes) in [ends, *others], (name, ended)
