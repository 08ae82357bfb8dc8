"""The rehearsal plays for real: edits, commands, commits, results, and every way of failing."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from okstra_ctl.agents.job import Job, Report
from okstra_ctl.agents.providers import Rehearsal
from okstra_ctl.agents.runner import run_job
from okstra_ctl.status import Access, Failure, WorkerOutcome
from support.fake_clients import PATIENCE, job, left_of
from support.repos import Repo


def play(tmp_path: Path, script: str, work: Job, **environment: str) -> Report:
    file = tmp_path / "script.toml"
    file.write_text(script)
    work = work._replace(options={"script": str(file)}, environment=environment)
    return run_job(work, Rehearsal(), stop=threading.Event(), inherited=os.environ, patience=PATIENCE)


EXECUTOR = """
[[part]]
role = "executor"
steps = [
  { write = { path = "tests/check.sh", content = "grep -q fixed code.txt\\n" } },
  { run = "sh tests/check.sh", exit = 1 },
  { commit = "test(code): say what is wrong" },
  { edit = { path = "code.txt", find = "broken", replace = "fixed by {{WORKER_ID}}" } },
  { run = "sh tests/check.sh" },
  { commit = "fix(code): mend it" },
  { result = "commit: {{HEAD}}\\nfrom: {{COMMIT}}\\nat: {{RESULT_PATH}}\\n" },
  { audit = "read code.txt\\n" },
]
"""


def test_an_executor_edits_tests_and_commits(repo: Repo, environment: dict[str, str], tmp_path: Path) -> None:
    base = repo.commit({"code.txt": "this is broken\n"})
    work = job(tmp_path / "run", access=Access.EDIT)._replace(role="executor", worker="x", folder=str(repo.path))
    Path(work.prompt).write_text(f"**Result path:** `{work.result}`\n")
    report = play(tmp_path, EXECUTOR, work, OKSTRA_COMMIT=base, **environment)
    assert report.outcome is WorkerOutcome.COMPLETED, report
    assert report.stream.model == "rehearsal"
    log = repo.git("log", "--format=%s", f"{base}..HEAD").split("\n")
    assert [line for line in log if line] == ["fix(code): mend it", "test(code): say what is wrong"]
    assert (repo.path / "code.txt").read_text() == "this is fixed by x\n"
    head = repo.git("rev-parse", "HEAD").strip()
    assert Path(work.result).read_text() == f"commit: {head}\nfrom: {base}\nat: {work.result}\n"
    assert Path(work.audit).read_text() == "read code.txt\n"
    assert "rehearsal: no model was asked" in Path(work.log).read_text()


AGAIN = """
[[part]]
steps = [
  { write = { path = "new.txt", content = "new\\n" } },
  { commit = "feat: new" },
  { edit = { path = "code.txt", find = "broken", replace = "no longer broken" } },
  { commit = "fix: code" },
  { result = "{{HEAD}}" },
]
"""


def test_an_executor_that_was_cut_off_can_play_its_part_again(
    repo: Repo, environment: dict[str, str], tmp_path: Path
) -> None:
    base = repo.commit({"code.txt": "this is broken\n"})
    work = job(tmp_path / "run", access=Access.EDIT)._replace(folder=str(repo.path))
    heads = []
    for _ in range(2):
        report = play(tmp_path, AGAIN, work, **environment)
        assert report.outcome is WorkerOutcome.COMPLETED, report
        heads.append(Path(work.result).read_text())
    assert heads[0] == heads[1]
    assert (repo.path / "code.txt").read_text() == "this is no longer broken\n"
    assert repo.git("rev-list", "--count", f"{base}..HEAD").strip() == "2"


@pytest.mark.parametrize(
    ("fault", "outcome", "failure"),
    [
        ("hang", WorkerOutcome.TIMEOUT, Failure.INTERRUPTED),
        ("deaf", WorkerOutcome.TIMEOUT, Failure.INTERRUPTED),
        ("crash", WorkerOutcome.ERROR, Failure.INTERRUPTED),
        ("garbage", WorkerOutcome.ERROR, Failure.INTERRUPTED),
        ("silent", WorkerOutcome.ERROR, Failure.INTERRUPTED),
        ("half", WorkerOutcome.ERROR, Failure.INTERRUPTED),
        ("denied", WorkerOutcome.ERROR, Failure.DENIED),
        ("rate-limit", WorkerOutcome.QUOTA, Failure.RATE_LIMIT),
        ("overloaded", WorkerOutcome.QUOTA, Failure.OVERLOADED),
        ("login", WorkerOutcome.ERROR, Failure.LOGIN),
        ("empty", WorkerOutcome.COMPLETED, Failure.NONE),
    ],
)
def test_a_fault_ends_as_what_it_is(tmp_path: Path, fault: str, outcome: WorkerOutcome, failure: Failure) -> None:
    work = job(tmp_path / "run", soft=1.5, hard=2.0)
    later = ", after = 60" if failure in (Failure.RATE_LIMIT, Failure.OVERLOADED) else ""  # beyond the limit: no retry
    script = f'[[part]]\nsteps = [{{ fault = "{fault}"{later} }}, {{ result = "0123456789" }}]\n'
    report = play(tmp_path, script, work)
    assert (report.outcome, report.stream.failure) == (outcome, failure)
    left = {"half": "01234", "empty": ""}.get(fault)
    assert (Path(work.result).read_text() if Path(work.result).exists() else None) == left
    assert left_of(work, within=0) == []


def test_a_second_attempt_may_go_better(tmp_path: Path) -> None:
    script = """
    [[part]]
    attempt = [1, 2]
    steps = [{ fault = "rate-limit", after = 0 }]
    [[part]]
    steps = [{ result = "attempt {{ATTEMPT}}" }]
    """
    work = job(tmp_path / "run")
    assert play(tmp_path, script, work).attempts == 3
    assert Path(work.result).read_text() == "attempt 3"
    again = play(tmp_path, script, work, OKSTRA_ATTEMPT="2")
    assert (again.attempts, Path(work.result).read_text()) == (2, "attempt 3")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            "[[part]]\nrole = 'other'\nsteps = [{ say = 'x' }]",
            "no part of the script is for phase (none), role analysis",
        ),
        ("[[part]]\nsteps = [{ say = '{{LOST}}' }]", "{{LOST}}, which nothing gives"),
        ("[[part]]\nsteps = [{ run = 'exit 3' }]", "`exit 3` ended with 3, and the script says 0"),
        ("[[part]]\nsteps = [{ edit = { path = 'no', find = 'a', replace = 'b' } }]", "occurs 0 times in no"),
        ("[[part]\n", "the rehearsal script is not TOML"),
        ("[[part]]\nsteps = [{ dance = 'x' }]", "part 1, step 1"),
    ],
)
def test_a_script_that_does_not_work_is_a_client_error_that_says_why(tmp_path: Path, script: str, said: str) -> None:
    report = play(tmp_path, script, job(tmp_path / "run"))
    assert (report.outcome, report.stream.failure) == (WorkerOutcome.ERROR, Failure.CLIENT)
    assert said in report.stream.message


def test_a_report_is_the_draft_with_the_words_over_it(tmp_path: Path) -> None:
    draft = tmp_path / "draft.json"
    verdict = {"conclusion": "", "token": "cause-unknown", "direction": "", "approval_needed": False, "next_step": "x"}
    draft.write_text(json.dumps({"task_type": "error-analysis", "verdict": verdict, "phase": {}, "findings": [1]}))
    script = '[[part]]\nsteps = [{ report = { verdict = { conclusion = "by {{WORKER_ID}}" } } }]'
    work = job(tmp_path / "run")
    assert play(tmp_path, script, work, OKSTRA_DRAFT=str(draft)).outcome is WorkerOutcome.COMPLETED
    report = json.loads(Path(work.result).read_text())
    assert report["verdict"] == {**verdict, "conclusion": "by analyst"}
    assert report["findings"] == [1]
    assert all(report["phase"][name] for name in ("symptom", "hypotheses") if name in report["phase"])
    assert "(rehearsal)" in json.dumps(report["phase"])
