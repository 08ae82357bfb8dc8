"""A thousand runs of a hundred tasks in ten projects: found, filtered, summed up without reading each one's files."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from okstra_ctl.home_paths import HomePaths
from okstra_ctl.index import run_index
from okstra_ctl.index.run_index import IndexRow
from okstra_ctl.names import RunId, TaskKey
from okstra_ctl.paths import ProjectFiles
from okstra_ctl.runs.manifest import RunFacts, WorktreeFacts, new_manifest
from okstra_ctl.settings.roster import Worker
from okstra_ctl.system import files as fsio
from support import index_file, schemas
from support.okstra import Okstra
from support.sealed import sealed_environment

_PROJECTS, _TASKS, _RUNS = 10, 10, 10
_TYPES = ("error-analysis", "implementation-planning", "final-verification")
_DAY = 86400
_NOTHING_ASKED = {
    **dict.fromkeys(("brief", "directive", "critic", "clarification_response", "pr_template_path", "budget_usd"), ""),
    "fix_cycle": "",
    "related_tasks": [],
}


class Past(NamedTuple):
    """One run as it was made up."""

    id: RunId
    root: Path
    prepared: float
    event: str

    @property
    def ended(self) -> float:
        return self.prepared + 600


class World(NamedTuple):
    okstra: Okstra
    runs: tuple[Past, ...]

    def list(self, *flags: str) -> list[dict[str, Any]]:
        started = time.perf_counter()
        rows: list[dict[str, Any]] = self.okstra.ok("list", *flags, "--json").data["runs"]
        print(f"list {' '.join(flags):<45} {len(rows):5} runs {(time.perf_counter() - started) * 1e3:7.0f} ms")
        return rows


def when(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _write(run: Past) -> list[IndexRow]:
    """The run's manifest, as the product makes it, and its rows of the index."""
    project = ProjectFiles(str(run.root))
    files = project.task(run.id.task).run_of(run.id)
    facts = RunFacts(
        run=run.id, project_root=str(run.root), plan="", plan_digest="", epoch=0,
        worktree=WorktreeFacts(str(run.root), "feat-x", "0" * 40, "created"),
        roster=[Worker("claude", "analyst", "claude", "opus")], lead="auto", owner=None, lead_model="opus",
        okstra_version="0.1.0", prepared_at=when(run.prepared), rehearsal=False, requested=_NOTHING_ASKED, notes=[],
    )  # fmt: skip
    manifest = new_manifest(facts)
    told = [("prepared", run.prepared)]
    if run.event != "prepared":
        manifest.update(started_at=when(run.prepared + 60), ended_at=when(run.ended), outcome=run.event)
        told += [("started", run.prepared + 60), (run.event, run.ended)]
    fsio.make_folder(str(Path(files.manifest).parent))
    Path(files.manifest).write_bytes(fsio.json_bytes(manifest))
    return [
        IndexRow(str(run.id), event, when(at), run.id.task_type, None, str(run.root), files.manifest)
        for event, at in told
    ]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world")
    (folder / "home").mkdir()
    environment, now = sealed_environment(folder / "home"), time.time()
    home, runs, rows = HomePaths(environment["OKSTRA_HOME"]), [], []
    for number in range(_PROJECTS * _TASKS * _RUNS):
        project, task, seq = number % 10, number // 10 % 10, number // 100
        key = TaskKey.make(f"shop-{project}", "core", f"T-{task}")
        run = RunId(key, _TYPES[seq % 3], None, seq + 1)
        age = (999 - number) * _DAY / 10  # the oldest 100 days ago, ten a day
        event = "prepared" if number % 50 == 7 else "failed" if number % 10 == 3 else "completed"
        runs.append(Past(run, folder / f"project-{project}", now - age - 700, event))
        rows += _write(runs[-1])
    fsio.make_folder(home.root)
    for place in range(0, len(rows), 100):
        assert run_index.append_all(home, rows[place : place + 100]) == ""
    return World(Okstra(environment, folder), tuple(runs))


def names(rows: list[dict[str, Any]]) -> Counter[str]:
    return Counter(row["run_id"] for row in rows)


def ids(runs: list[Past]) -> Counter[str]:
    return Counter(str(run.id) for run in runs)


def test_all_of_them_are_listed_once_and_the_old_only_on_demand(world: World) -> None:
    assert names(world.list("--all")) == ids(list(world.runs))
    recent = time.time() - 30 * _DAY
    shown = names(world.list())
    assert shown == ids([run for run in world.runs if run.event == "prepared" or run.ended >= recent])
    assert 300 < shown.total() < 340


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [
        (("--project", "shop-3", "--all"), lambda run: run.id.task.project_id == "shop-3"),
        (("--task-key", "shop-3:core:T-4"), lambda run: str(run.id.task) == "shop-3:core:T-4"),
        (("--task-type", "error-analysis", "--all"), lambda run: run.id.task_type == "error-analysis"),
        (("--status", "failed", "--all"), lambda run: run.event == "failed"),
        (("--status", "prepared"), lambda run: run.event == "prepared"),
        (("--since", "60d"), lambda run: _heard(run) >= time.time() - 60 * _DAY),
        (("--since", "5d"), lambda run: _heard(run) >= time.time() - 5 * _DAY),
        (
            ("--since", "90d", "--project", "shop-3", "--status", "failed", "--task-type", "error-analysis"),
            lambda run: (
                _heard(run) >= time.time() - 90 * _DAY
                and (run.id.task.project_id, run.event, run.id.task_type) == ("shop-3", "failed", "error-analysis")
            ),
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_each_filter(world: World, flags: tuple[str, ...], wanted: Any) -> None:
    expected = ids([run for run in world.runs if wanted(run)])
    assert expected
    assert names(world.list(*flags)) == expected


def _heard(run: Past) -> float:
    return run.prepared if run.event == "prepared" else run.ended


def test_the_newest_of_them_and_the_order(world: World) -> None:
    rows = world.list("--all", "--limit", "7")
    newest = sorted(world.runs, key=_heard)[-7:]
    assert [row["run_id"] for row in rows] == [str(run.id) for run in newest]


def test_a_limit_of_none_is_none_and_a_negative_one_is_refused(world: World) -> None:
    assert world.list("--all", "--limit", "0") == []
    assert len(world.list("--all", "--limit", "100000")) == len(world.runs)
    assert world.okstra("list", "--limit", "-1", "--json").codes == ["usage"]
    assert world.okstra("error-log", "--limit", "-1", "--json").codes == ["usage"]
    assert world.okstra.ok("error-log", "--limit", "0", "--json").data["errors"] == []


def test_projects_status_and_time_over_all_of_them(world: World) -> None:
    projects = world.okstra.ok("projects", "--json").data["projects"]
    assert [row["runs"] for row in projects] == [_TASKS * _RUNS] * _PROJECTS
    open_runs = world.okstra.ok("status", "--json").data["runs"]
    assert Counter(row["status"] for row in open_runs)["prepared"] == 20
    assert all(row["next"] for row in open_runs)
    spent = world.okstra.ok("time-summary", "--by", "task", "--json").data
    assert len(spent["sums"]) == _PROJECTS * _TASKS
    assert (spent["total"]["counted"], spent["total"]["open"], spent["total"]["unknown"]) == (980, 20, 0)
    assert spent["total"]["seconds"] == 980 * 540


_SPY = """
import sys
opened = []
sys.addaudithook(lambda name, args: opened.append(str(args[0])) if name in ("open", "os.listdir") else None)
from okstra_ctl.cli import main
status = main(sys.argv[1:])
print("\\n---", *(path for path in opened if "project-" in path))
sys.exit(status)
"""


@pytest.mark.parametrize("command", [("list", "--all"), ("list",), ("status",), ("time-summary",), ("projects",)])
def test_no_file_of_a_run_is_opened_for_it(world: World, command: tuple[str, ...]) -> None:
    argv = [sys.executable, "-B", "-c", _SPY, *command]
    root = Path(run_index.__file__).parents[2]
    environment = {**world.okstra.environment, "PYTHONPATH": str(root)}
    done = subprocess.run(argv, cwd=world.okstra.cwd, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    opened = done.stdout.rpartition("\n---")[2].split()
    if command == ("status",):  # it tells why a run failed, and what is next: that of open runs, from their manifests
        opened = [path for path in opened if not Path(path).name.startswith(("run-manifest-", "final-report-"))]
    assert [path for path in opened if "/runs/" in path] == []


def test_what_was_made_up_is_what_okstra_writes(world: World) -> None:
    home = Path(world.okstra.environment["OKSTRA_HOME"])
    rows = index_file.rows(home)
    assert len(rows) == len(world.runs)
    assert [fault for row in rows for fault in schemas.faults(row, "index-row")] == []
    assert schemas.faults_of_file(next(world.runs[0].root.rglob("run-manifest-*.json"))) == []
