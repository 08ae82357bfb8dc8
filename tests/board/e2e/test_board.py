"""`okstra board` beside runs that are under way: what it tells, and what it does to the terminal."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import schemas
from support.faults import eventually
from support.live_runs import LiveRun
from support.okstra import Project
from support.rehearsal import install, led, part
from support.sealed import ROOT
from support.terminal import CTRL_C, Terminal

OKSTRA = str(ROOT / "bin" / "okstra")
SAYS = "\x1b[31mlooking at \x1b]0;title\x07the sessions, 한국어로"
KEY = "sk-ant-" + "a1B2" * 10
ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"

GRAPH = [
    "demo:core:T-1  1/3 stages done",
    "  1 파트 1    ┌─┬─▶ 3 파트 3",
    "    done ─────┘ │     blocked ← 1, 2",
    "  2 파트 2      │",
    "    running ────┘",
]


@pytest.fixture
def live(project: Project) -> Iterator[LiveRun]:
    """Stage 1 of three is done, stage 2 is being built by a worker that says something and goes on."""
    project.adopt({1: (), 2: (), 3: (1, 2)}, title="파트")
    project.finish(project.run_stage("1"))
    install(project, part({"say": f"before {KEY}"}, {"say": SAYS}, {"fault": "hang"}, role="executor"))
    run = LiveRun.start(project, "implementation", "--stage", "2")
    run.wait_for_event("dispatched")
    eventually(lambda: any("sessions" in path.read_text() for path in logs(project)), 30.0)
    yield run
    run.process.terminate()
    run.ended()


def logs(project: Project) -> list[Path]:
    return list(project.task_root.glob("runs/implementation/stage-2/logs/rehearsal-executor-*.log"))


def board(project: Project, *flags: str) -> dict[str, Any]:
    return project.okstra.ok("board", "--json", *flags).data


def everything(project: Project) -> dict[str, bytes]:
    found = (path for folder in (project.repo.path, project.home) for path in folder.rglob("*") if path.is_file())
    return {str(path): path.read_bytes() for path in found}


def at_terminal(project: Project, *flags: str, term: str = "xterm", rows: int = 24, columns: int = 80) -> Terminal:
    environment = {**project.okstra.environment, "TERM": term}
    return Terminal([OKSTRA, "board", *flags], project.repo.path, environment, rows=rows, columns=columns)


def test_nothing_in_work(project: Project) -> None:
    assert project.okstra.ok("board").stdout.startswith("nothing is in work")
    assert board(project)["projects"] == []


def test_what_a_live_run_does(live: LiveRun) -> None:
    project = live.project
    ended = project.okstra.ok("board", "--json")
    assert schemas.faults(ended.envelope, "envelope") == []
    (found,) = ended.data["projects"]
    assert (found["project_id"], found["root"]) == ("demo", str(project.repo.path))
    (task,) = found["tasks"]
    assert [(stage["title"], stage["status"]) for stage in task["stages"]] == [
        ("파트 1", "done"),
        ("파트 2", "running"),
        ("파트 3", "blocked"),
    ]
    (run,) = task["runs"]
    assert (run["run_id"], run["status"], run["rehearsal"]) == (live.run, "running", True)
    assert (run["next"], run["spent"]["cost_usd"]) == (f"okstra wait {live.run}", 0)
    executor, *others = run["workers"]
    assert (executor["worker"], executor["state"], executor["attempt"]) == ("rehearsal-executor", "running", 1)
    assert executor["last_line"] == "looking at the sessions, 한국어로"
    assert {worker["state"] for worker in others} == {"waiting"}
    assert [one["run_id"] for one in ended.data["lately"]] == ["demo:core:T-1/implementation/stage-1/001"]


def test_filters(live: LiveRun) -> None:
    assert board(live.project, "--project", "other")["projects"] == []
    unknown = live.project.okstra("board", "--once", "--task-key", "demo:core:T-2", "--json")
    assert unknown.codes == ["task-unknown"]
    assert len(board(live.project, "--project", "demo", "--task-key", Project.task_key)["projects"]) == 1


def test_piped_it_is_printed_once_and_whole_and_nothing_is_written(live: LiveRun) -> None:
    before = everything(live.project)
    shown = live.project.okstra.ok("board", "--every", "1").stdout
    assert everything(live.project) == before
    assert "\x1b" not in shown
    assert shown.splitlines()[2:7] == GRAPH
    assert "looking at the sessions, 한국어로" in shown


def test_a_key_in_a_running_log_is_not_shown(project: Project) -> None:
    install(project, part({"say": f"the key is {KEY}"}, {"fault": "hang"}, worker="rehearsal-a"))
    run = LiveRun.start(project, "error-analysis")
    try:
        run.wait_for_event("dispatched")
        eventually(lambda: "the key is" in project.okstra.ok("board").stdout, 30.0)
        assert KEY not in project.okstra.ok("board").stdout
    finally:
        run.process.terminate()
        run.ended()


def test_a_run_that_fails_stays_until_it_is_done_again(project: Project) -> None:
    install(project, part({"fault": "crash"}, role="analyst"))
    failed = led(project, "error-analysis")
    assert failed.status != 0
    (run,) = board(project)["projects"][0]["tasks"][0]["runs"]
    assert run["status"] == "failed"
    assert {worker["state"] for worker in run["workers"] if worker["role"] == "analyst"} == {"error"}
    install(project)
    again = led(project, "error-analysis")
    assert again.status == 0, again
    data = board(project)
    assert data["projects"] == []
    (ended,) = data["lately"]
    assert (ended["run_id"], ended["next"]) == (again.data["run_id"], again.data["next_step"])


def test_a_manifest_that_cannot_be_read_hides_no_run(live: LiveRun) -> None:
    (manifest,) = live.project.task_root.glob("runs/implementation/stage-2/manifests/*.json")
    whole = manifest.read_bytes()
    manifest.write_text("{")
    try:
        data = board(live.project)
    finally:
        manifest.write_bytes(whole)
    (run,) = data["projects"][0]["tasks"][0]["runs"]
    assert (run["run_id"], run["workers"], data["unread"]) == (live.run, [], [live.run])


@pytest.mark.parametrize(("keys", "status"), [("q", 0), ("ㅂ", 0), (CTRL_C, 130)])
def test_at_a_terminal_it_follows_the_run_until_it_is_told_to_end(live: LiveRun, keys: str, status: int) -> None:
    at = at_terminal(live.project, "--every", "0.2")
    at.wait_for("looking at the sessions")
    assert not at.is_cooked()
    assert ENTER in at.all_written
    live.process.terminate()
    at.wait_for("next: okstra")
    at.type(keys)
    at.wait_for("") if status == 0 else at.wait_for("okstra: error: interrupted")
    assert at.end() == status, at.all_shown
    assert at.all_written.count(ENTER) == at.all_written.count(LEAVE) == 1
    assert "\x1b[?25h" in at.all_written.rpartition(LEAVE)[0].rpartition(ENTER)[2]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_to_end_leaves_the_terminal_as_it_was(live: LiveRun, number: signal.Signals) -> None:
    at = at_terminal(live.project)
    at.wait_for("in work: ")
    os.kill(at.pid, number)
    at.wait_for("okstra: error: interrupted")
    assert at.is_cooked()
    assert LEAVE in at.all_written
    assert at.end() == 130


def test_an_error_leaves_the_terminal_as_it_was(live: LiveRun) -> None:
    at = at_terminal(live.project, "--every", "0.2")
    at.wait_for("in work: ")
    registry = live.project.home / "worktrees" / "registry.json"
    whole = registry.read_bytes()
    registry.write_text("{")
    try:
        at.wait_for("okstra: error: ")
    finally:
        registry.write_bytes(whole)
    assert at.is_cooked()
    assert at.all_written.count(ENTER) == at.all_written.count(LEAVE) == 1
    assert at.end() == 65


def test_a_window_that_shrinks_and_grows(live: LiveRun) -> None:
    at = at_terminal(live.project, "--every", "600")
    at.wait_for("looking at the sessions")
    at.resize(3, 20)
    at.wait_for("in work: 1 running")
    at.resize(40, 120)
    at.wait_for("looking at the sessions")
    at.type("q")
    assert at.end() == 0


@pytest.mark.parametrize("flags", [("--once",), ()])
def test_a_dumb_terminal_and_once_print_it_and_end(live: LiveRun, flags: tuple[str, ...]) -> None:
    at = at_terminal(live.project, *flags, term="xterm" if flags else "dumb", columns=60)
    assert at.end() == 0
    assert "looking at the sessions" in at.all_shown
    assert ENTER not in at.all_written
    assert ("\x1b[36m" in at.all_written) == bool(flags), "colours, but not where there are none"


def test_no_color_is_heeded_while_it_follows_a_run(live: LiveRun) -> None:
    environment = {**live.project.okstra.environment, "TERM": "xterm", "NO_COLOR": "1"}
    at = Terminal([OKSTRA, "board"], live.project.repo.path, environment)
    at.wait_for("looking at the sessions")
    at.type("q")
    assert at.end() == 0
    assert ENTER in at.all_written
    assert re.search(r"\x1b\[[0-9;]*m", at.all_written) is None


@pytest.mark.parametrize("every", ["0", "-1", "x", "nan", "1e9"])
def test_a_wrong_pace_is_refused(project: Project, every: str) -> None:
    assert project.okstra("board", "--every", every, "--json").codes == ["usage"]


def test_the_page(live: LiveRun, tmp_path: Path) -> None:
    path = tmp_path / "board.html"
    data = live.project.okstra.ok("board", "--html", path, "--json").data
    page = path.read_text()
    assert data["page"] == str(path)
    assert "looking at the sessions, 한국어로" in page and 'lang="en"' in page and 'http-equiv="refresh"' not in page
    live.project.okstra.ok("board", "--html", path, "--language", "ko")
    assert "현황판" in path.read_text()


def test_the_page_is_made_anew_until_it_is_stopped(live: LiveRun, tmp_path: Path) -> None:
    path = tmp_path / "board.html"
    watching = live.project.okstra.start("board", "--html", path, "--every", "1")
    eventually(lambda: path.exists() and 'refresh" content="1"' in path.read_text(), 30.0)
    first = path.read_text()
    eventually(lambda: path.read_text() != first, 30.0)
    watching.terminate()
    assert watching.wait(30) == 130
    assert 'http-equiv="refresh"' not in path.read_text(), "nobody makes it anew any more"


def test_what_is_no_page_of_okstras_is_not_overwritten(project: Project, tmp_path: Path) -> None:
    mine = tmp_path / "mine.md"
    mine.write_text("mine")
    for place in (mine, tmp_path, Path("/dev/null")):
        assert project.okstra("board", "--html", place, "--json").codes == ["usage"]
    assert mine.read_text() == "mine"
    link = tmp_path / "link.html"
    link.symlink_to(tmp_path / "target.html")
    project.okstra.ok("board", "--html", link)
    assert link.is_symlink() and (tmp_path / "target.html").exists()
    (tmp_path / "file").write_text("")
    assert project.okstra("board", "--html", tmp_path / "file" / "b.html", "--json").codes == ["write-failed"]


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[list[str]]:
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not there: the screen as a terminal draws it was not looked at")
    call = ["tmux", "-S", str(tmp_path / "tmux"), "-f", "/dev/null"]
    yield call
    subprocess.run([*call, "kill-server"], capture_output=True)


def screen_with(tmux: list[str], text: str) -> list[str]:
    for _ in range(100):
        shown = subprocess.run([*tmux, "capture-pane", "-p"], capture_output=True, text=True).stdout
        if text in shown:
            return shown.splitlines()
        time.sleep(0.1)
    raise AssertionError(shown)


def test_the_screen_as_a_real_terminal_draws_it(live: LiveRun, tmux: list[str]) -> None:
    environment = {name: text for name, text in live.project.okstra.environment.items() if name != "TMUX"}
    command = f"echo my own line; {OKSTRA} board --every 0.5; echo ended $?; exec cat"
    start = [*tmux, "-u", "new-session", "-d", "-x", "50", "-y", "16", "sh", "-c", command]
    subprocess.run(start, cwd=live.project.repo.path, env=environment, check=True)

    shown = screen_with(tmux, "in work: 1 running")
    assert "my own line" not in shown
    assert shown[2:7] == GRAPH, "wide letters push nothing aside"
    assert re.fullmatch(r"  running  implementation/stage-2/001  [0-9]+ s +re[hea]*…", shown[7])
    assert shown[9] == "      looking at the sessions, 한국어로"
    subprocess.run([*tmux, "send-keys", "q"], check=True)
    after = [line for line in screen_with(tmux, "ended 0") if line]
    assert after == ["my own line", "ended 0"]


def test_ctrl_z_gives_the_terminal_back_and_fg_comes_back(live: LiveRun, tmux: list[str]) -> None:
    environment = {name: text for name, text in live.project.okstra.environment.items() if name != "TMUX"}
    start = [*tmux, "-u", "new-session", "-d", "-x", "80", "-y", "20", "env", "PS1=ready> ", "bash", "--norc", "-i"]
    subprocess.run(start, cwd=live.project.repo.path, env=environment, check=True)

    def press(*keys: str) -> None:
        subprocess.run([*tmux, "send-keys", *keys], check=True)

    screen_with(tmux, "ready>")
    press(f"{OKSTRA} board", "Enter")
    screen_with(tmux, "in work: 1 running")
    press("C-z")
    assert not any("in work" in line for line in screen_with(tmux, "Stopped"))
    press("echo $((40 + 2)) is echoed", "Enter")
    screen_with(tmux, "42 is echoed")
    press("fg", "Enter")
    assert not any("42 is echoed" in line for line in screen_with(tmux, "in work: 1 running"))
    press("q")
    screen_with(tmux, "42 is echoed")


def test_a_terminal_that_is_closed_ends_it(live: LiveRun) -> None:
    at = at_terminal(live.project, "--every", "0.2")
    at.wait_for("in work: ")
    at.hang_up()
    assert at.end() != 0
    assert not (live.project.home / "logs").exists(), "a closed window is no bug"


def test_a_line_that_is_longer_than_what_is_read_is_passed_over(live: LiveRun) -> None:
    (log,) = logs(live.project)
    with log.open("a") as file:
        file.write('{"text": "' + KEY * 2000 + '"}\n')
    shown = live.project.okstra.ok("board").stdout
    assert KEY[8:30] not in shown
    with log.open("a") as file:
        file.write("99%\r100%")
    assert "      100%" in live.project.okstra.ok("board").stdout


def test_what_a_session_of_ones_own_wrote_is_seen(project: Project) -> None:
    prepared = project.run_phase("error-analysis")
    folder = Path(prepared.data["run_dir"]) / "worker-results"
    folder.mkdir(exist_ok=True)
    (folder / "claude-worker-error-analysis-001.md").write_text("x")
    (run,) = board(project)["projects"][0]["tasks"][0]["runs"]
    assert (run["status"], run["spent"]) == ("prepared", None)
    assert {worker["worker"]: worker["state"] for worker in run["workers"]}["claude"] == "written"
    assert "next: okstra resume" in project.okstra.ok("board").stdout


def test_json_lines_of_a_client_are_told_in_words(live: LiveRun) -> None:
    event = {"message": {"content": [{"type": "tool_use", "name": "Bash", "input": {"command": "make test"}}]}}
    (log,) = logs(live.project)
    with log.open("a") as file:
        file.write(json.dumps(event) + "\n")
    assert "Bash: make test" in live.project.okstra.ok("board").stdout
