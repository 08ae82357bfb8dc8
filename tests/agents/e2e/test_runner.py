"""What a dispatch is called at its end, and what stands on disk then, with real processes."""

from __future__ import annotations

import os
import stat
import threading
import time
from pathlib import Path

import pytest

from okstra_ctl.status import Access, Failure, WorkerOutcome
from support.fake_clients import SOON, job, left_of, play


def test_a_client_that_ends_its_turn_has_completed(tmp_path: Path) -> None:
    work = job(tmp_path)
    report = play('cat > "$RESULT"; echo DONE; echo careful >&2', work)
    assert (report.outcome, report.exit_status, report.attempts) == (WorkerOutcome.COMPLETED, 0, 1)
    assert report.stream.message == "careful\n"
    assert Path(work.result).read_text() == "do the thing\n"


def test_the_log_is_private_and_holds_both_streams(tmp_path: Path) -> None:
    work = job(tmp_path)
    play("echo out; echo err >&2; echo DONE", work)
    log = Path(work.log)
    assert sorted(log.read_text().split()) == ["DONE", "err", "out"]
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert stat.S_IMODE(log.parent.stat().st_mode) == 0o700
    assert os.listdir(log.parent) == [log.name]


def test_the_log_shows_what_a_client_says_while_it_works(tmp_path: Path) -> None:
    work = job(tmp_path)
    thread = threading.Thread(target=play, args=("echo begun; while [ ! -e go ]; do sleep 0.02; done; echo DONE", work))
    thread.start()
    deadline = time.monotonic() + SOON
    while "begun" not in (Path(work.log).read_text() if Path(work.log).exists() else ""):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert thread.is_alive()
    (tmp_path / "go").touch()
    thread.join()


@pytest.mark.parametrize(
    ("script", "failure"),
    [
        ("exit 0", Failure.INTERRUPTED),
        ("echo half of a", Failure.INTERRUPTED),
        ("head -c 5000 /dev/urandom", Failure.INTERRUPTED),
        ("echo begun; kill -9 $$", Failure.INTERRUPTED),
        ("kill -9 $PPID; sleep 300", Failure.INTERRUPTED),
        ("exit 3", Failure.INTERRUPTED),
    ],
)
def test_without_a_terminal_event_nothing_is_completed(tmp_path: Path, script: str, failure: Failure) -> None:
    work = job(tmp_path)
    report = play(script, work)
    assert (report.outcome, report.stream.failure) == (WorkerOutcome.ERROR, failure)
    assert report.seconds < SOON
    assert left_of(work) == []


def test_a_client_that_is_not_there_was_not_run(tmp_path: Path) -> None:
    work = job(tmp_path)._replace(folder=str(tmp_path / "gone"))
    report = play("echo DONE", work)
    assert (report.outcome, report.stream.failure) == (WorkerOutcome.NOT_RUN, Failure.CLIENT)
    assert "is not there" in report.stream.message


def test_a_client_that_does_not_go_after_its_turn_is_sent_away(tmp_path: Path) -> None:
    work = job(tmp_path)
    report = play("echo DONE; sleep 300", work)
    assert report.outcome is WorkerOutcome.COMPLETED
    assert report.seconds < SOON
    assert left_of(work) == []


def test_a_client_that_goes_on_after_a_pause_is_not_sent_away(tmp_path: Path) -> None:
    report = play("echo DONE; sleep 0.3; echo more; sleep 0.3; echo DONE; sleep 0.2; exit 4", job(tmp_path))
    assert (report.outcome, report.exit_status) == (WorkerOutcome.COMPLETED, 4)


def test_a_refused_tool_is_a_failure_for_who_edits_and_only_told_for_who_reads(tmp_path: Path) -> None:
    script = "echo NO WORD; echo DONE"
    for access, delivered, outcome in (
        (Access.EDIT, True, WorkerOutcome.ERROR),
        (Access.TEST, True, WorkerOutcome.ERROR),
        (Access.READ, False, WorkerOutcome.ERROR),
        (Access.READ, True, WorkerOutcome.COMPLETED),
    ):
        work = job(tmp_path / f"{access}-{delivered}", access=access)
        report = play(f'echo x > "$RESULT"; {script}' if delivered else script, work)
        assert report.outcome is outcome, (access, delivered)
        assert (report.stream.failure is Failure.DENIED) == (outcome is WorkerOutcome.ERROR)
        assert report.stream.denials == ("NO WORD",)


def test_a_message_becomes_the_result_when_the_turn_was_completed(tmp_path: Path) -> None:
    work = job(tmp_path)
    assert play("echo early", work, by_message=True).outcome is WorkerOutcome.ERROR
    assert not Path(work.result).exists()
    assert play("echo the findings; echo DONE", work, by_message=True).outcome is WorkerOutcome.COMPLETED
    assert Path(work.result).read_text() == "the findings\nDONE"


def test_a_result_that_was_written_is_not_replaced_by_a_closing_word(tmp_path: Path) -> None:
    written = """printf -- '---\\nworker: a\\n---\\nwritten\\n' > "$RESULT"; """
    work = job(tmp_path)
    assert play(f"{written}echo DONE", work, by_message=True).outcome is WorkerOutcome.COMPLETED
    assert Path(work.result).read_text() == "---\nworker: a\n---\nwritten\n"
    assert play(f"{written}echo ---; echo 'worker: b'; echo ---; echo DONE", work, by_message=True).attempts == 1
    assert Path(work.result).read_text() == "---\nworker: b\n---\nDONE"


def test_an_older_result_is_not_taken_for_this_ones(tmp_path: Path) -> None:
    work = job(tmp_path)
    results = Path(work.result).parent
    results.mkdir()
    for number in (1, 2):
        Path(work.result).write_text(f"old {number}")
        Path(work.audit).write_text("old")
        assert play("echo NO WORD; echo DONE", work).outcome is WorkerOutcome.ERROR
        assert not Path(work.result).exists()
        assert (results / f"result.md.attempt-{number}").read_text() == f"old {number}"
        assert (results / f"audit.md.attempt-{number}").exists()


def test_a_rate_limit_is_waited_out(tmp_path: Path) -> None:
    script = (
        'n=$(cat n 2>/dev/null || echo 0); echo $((n + 1)) > n; if [ "$n" -lt 2 ]; then echo 429; exit 1; fi; echo DONE'
    )
    report = play(script, job(tmp_path))
    assert (report.outcome, report.attempts) == (WorkerOutcome.COMPLETED, 3)
    assert Path(tmp_path / "logs" / "worker.log").read_text() == "429\n429\nDONE\n"


def test_the_clients_own_waiting_time_is_kept(tmp_path: Path) -> None:
    report = play("if [ -e n ]; then echo DONE; else touch n; echo 429 1; exit 1; fi", job(tmp_path))
    assert (report.outcome, report.attempts) == (WorkerOutcome.COMPLETED, 2)
    assert report.seconds >= 1.0


def test_waiting_ends_with_the_soft_limit(tmp_path: Path) -> None:
    script = "if [ -e n ]; then echo 429 3600; else touch n; echo 429 0.1; fi; exit 1"
    report = play(script, job(tmp_path))
    assert (report.outcome, report.stream.failure) == (WorkerOutcome.QUOTA, Failure.RATE_LIMIT)
    assert (report.attempts, report.stream.retry_after) == (2, 3600.0), "the first wait was within the limit"
    assert report.seconds < SOON
    once = play("echo 429 3600; exit 1", job(tmp_path / "once"))
    assert (once.attempts, once.stream.retry_after) == (1, 3600.0)


def test_a_stop_ends_the_waiting_for_a_rate_limit(tmp_path: Path) -> None:
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    report = play("echo 429 100; exit 1", job(tmp_path), stop=stop)
    assert (report.outcome, report.stream.failure) == (WorkerOutcome.ERROR, Failure.INTERRUPTED)
    assert report.seconds < SOON


def test_a_long_prompt_reaches_a_client_that_does_not_read_it(tmp_path: Path) -> None:
    (tmp_path / "prompt.md").write_text("long " * 100_000)
    assert play("sleep 0.1; wc -c; echo DONE", job(tmp_path)).stream.last_message == "500000\nDONE"
    assert play("echo DONE", job(tmp_path)).outcome is WorkerOutcome.COMPLETED


def test_the_client_sees_the_environment_it_was_given_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET", "of okstra's")
    work = job(tmp_path)._replace(environment={"OKSTRA_ROLE": "analysis"})
    report = play("env; ls -l /proc/self/fd | wc -l; echo DONE", work)
    said = report.stream.last_message
    assert f"OKSTRA_WORKER={work.token}" in said
    assert "OKSTRA_ROLE=analysis" in said
    assert "A_SECRET" not in said
    assert int(said.splitlines()[-2]) == 5  # 0 to 2, the listed folder itself, and the line `total`
