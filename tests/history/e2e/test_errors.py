"""What went wrong in runs, over runs and tasks, also where files are damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.okstra import Ended, Project
from support.rehearsal import install, led, part


@pytest.fixture
def failed(project: Project) -> Ended:
    """A run whose one analyst answers what is no result, and does so again when told."""
    install(project, part({"result": "nothing of use\n"}, worker="rehearsal-a"))
    ended = led(project, "error-analysis")
    assert ended.codes == ["run-failed"], ended
    return ended


def _log(project: Project, *args: str) -> Ended:
    return project.okstra.ok("error-log", *args, "--json")


def test_a_run_that_went_well_has_nothing_to_tell(project: Project) -> None:
    ended = led(project, "error-analysis")
    told = project.okstra.ok("error-log", ended.data["run_id"])
    assert (told.stdout, told.stderr) == ("nothing went wrong\n", "")


def test_each_failed_dispatch_is_a_row_newest_last(project: Project, failed: Ended) -> None:
    rows = _log(project, failed.data["run_id"]).data["errors"]
    assert [(row["worker"], row["attempt"]) for row in rows] == [("rehearsal-a", 1), ("rehearsal-a", 2)]
    assert {row["outcome"] for row in rows} == {"invalid-result"}
    assert all(row["problems"] for row in rows)
    assert all(Path(row["log"]).is_file() for row in rows)
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    shown = project.okstra.ok("error-log")
    assert shown.stdout.count("rehearsal-a") == 2


def test_rows_are_picked_by_task_project_kind_and_time(project: Project, failed: Ended) -> None:
    outcome = _log(project).data["errors"][0]["outcome"]
    for flags, count in (
        (("--task-key", project.task_key), 2),
        (("--project", "demo"), 2),
        (("--project", "dem"), 0),
        (("--kind", outcome), 2),
        (("--kind", "rate-limit"), 0),
        (("--since", "1h"), 2),
        (("--since", "2999-01-01"), 0),
        (("--limit", "1"), 1),
    ):
        assert len(_log(project, *flags).data["errors"]) == count, flags
    assert project.okstra("error-log", "--kind", "broken", "--json").codes == ["usage"]
    assert project.okstra("error-log", "--task-key", "demo:core:T", "--json").codes == ["task-unknown"]
    assert project.okstra("error-log", "demo:core:T-1/error-analysis/009", "--json").codes == ["not-found"]


def test_what_can_not_be_read_is_named_and_the_rest_is_told(project: Project, failed: Ended) -> None:
    (path,) = Path(failed.data["run_dir"]).glob("logs/errors-*.jsonl")
    with path.open("ab") as file:
        file.write(
            b'{"at": 3, "problems": "x", "message": ["\n[1]\n{"at": "2999-01-01T00:00:00Z", "worker": 7}\n{"torn'
        )
    told = _log(project)
    assert told.data["unread"] == [f"{path}:3", f"{path}:4"]
    assert [row["worker"] for row in told.data["errors"]] == ["rehearsal-a", "rehearsal-a", ""]
    assert f"{path}:3" in told.stderr
    path.unlink()
    path.mkdir()
    told = _log(project)
    assert (told.data["errors"], told.data["unread"]) == ([], [str(path)])


def test_no_rows_to_show_is_not_nothing_went_wrong(project: Project, failed: Ended) -> None:
    run = failed.data["run_id"]
    shown = project.okstra.ok("error-log", run, "--limit", "0")
    assert shown.stdout == "none of 2 shown\n"
    assert _log(project, run, "--limit", "0").data["errors"] == []
    assert project.okstra.ok("list", "--limit", "0").stdout == "none of 1 runs shown\n"
    assert project.okstra("error-log", "--limit", "-1", "--json").codes == ["usage"]
    other = project.okstra.ok("error-log", run, "--kind", "rate-limit")
    assert other.stdout == "nothing went wrong (--kind rate-limit)\n"


def test_a_log_that_cannot_be_read_is_not_nothing_went_wrong(project: Project, failed: Ended) -> None:
    (log,) = project.task_root.glob("runs/error-analysis/**/*error*.jsonl")
    log.write_text("no row\n")
    shown = project.okstra.ok("error-log", failed.data["run_id"])
    assert shown.stdout == "nothing that can be read\n"
    assert str(log) in shown.stderr
