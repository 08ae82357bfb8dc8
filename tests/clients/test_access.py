"""What each access lets the real clients do: read and answer, run tests, edit and commit in a linked worktree."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from okstra_ctl.agents.job import Usage
from okstra_ctl.names import ACP
from okstra_ctl.status import Access, Failure, WorkerOutcome

from .install import installed
from .lab import Lab
from .model_server import ModelServer
from .wires import INPUT_TOKENS, OUTPUT_TOKENS, Turn

RESULT = "---\ntask-key: a:b:c\n---\n\n## 1. Findings\n\n(none)\n"


def delivery(lab: Lab, access: Access) -> list[Turn]:
    """The turns in which a worker of this client gives its result under this access."""
    if lab.name.startswith(ACP) or (access is Access.READ and lab.name in ("codex", "gemini")):
        return [Turn(say=RESULT)]
    if lab.name == "codex":
        return [Turn(shell=f"cat > '{lab.results}/r.md' <<'END'\n{RESULT}END"), Turn(say="done")]
    return [Turn(write=(str(lab.results / "r.md"), RESULT)), Turn(say="done")]


def test_a_reader_reads_and_delivers(lab: Lab) -> None:
    (lab.folder / "run").mkdir()
    (lab.folder / "run" / "prompt.md").write_text("Tell me what is wrong: ünïcode.\n")
    turns = [Turn(shell="git log --oneline"), *delivery(lab, Access.READ)]
    with ModelServer(turns) as server:
        report = lab.run(lab.job(Access.READ), server)
    assert report.outcome is WorkerOutcome.COMPLETED, (report, lab.log())
    assert (report.exit_status, report.attempts, report.stream.denials) == (0, 1, ())
    assert (lab.results / "r.md").read_text().strip() == RESULT.strip()
    assert "ünïcode" in str(server.requests[0])
    asked = len(server.requests)
    usage = report.stream.usage
    assert usage is not None
    cached = {"claude": 100, "codex": 100, "gemini": 100}[lab.name] * asked
    fresh = INPUT_TOKENS * asked if lab.name == "claude" else INPUT_TOKENS * asked - cached
    written = 50 * asked if lab.name == "claude" else 0
    answered_by = {"claude": "claude-sonnet-5-5", "codex": None, "gemini": "scripted"}[lab.name]
    assert usage._replace(cost_usd=None, models=()) == Usage(fresh, cached, written, OUTPUT_TOKENS * asked)
    assert report.stream.model == answered_by
    assert [(one.model, *one.tokens) for one in usage.models] == (
        [(answered_by, fresh, cached, written, OUTPUT_TOKENS * asked)] if answered_by else []
    )


def test_a_reader_changes_nothing(lab: Lab) -> None:
    outside = lab.folder / "outside.txt"
    turns = [
        Turn(shell="echo x > evil.txt"),
        Turn(shell="git commit --allow-empty -m evil"),
        Turn(shell="git diff --output=evil.txt HEAD"),
        Turn(shell=f"echo x > '{outside}'"),
        Turn(write=(str(lab.tree / "code.txt"), "evil\n")),
        Turn(write=(str(outside), "evil\n")),
        *delivery(lab, Access.READ),
    ]
    if lab.name == "codex":  # it has no tool but the shell
        turns = [turn for turn in turns if turn.write is None]
    head = lab.repo.git("rev-parse", "work")
    with ModelServer(_without_missing_tools(lab, turns)) as server:
        lab.run(lab.job(Access.READ), server)
    assert sorted(entry.name for entry in lab.tree.iterdir()) == [".git", "README.md", "code.txt"]
    assert (lab.tree / "code.txt").read_text() == "one\n"
    assert not outside.exists()
    assert lab.repo.git("rev-parse", "work") == head


def _without_missing_tools(lab: Lab, turns: list[Turn]) -> list[Turn]:
    """A turn whose tool the client does not offer would end the work; gemini offers readers none that writes."""
    return [turn for turn in turns if not (lab.name == "gemini" and turn.write)]


def test_a_verifier_runs_commands_and_edits_nothing(lab: Lab) -> None:
    build = "mkdir -p build && touch build/x && python3 -c 'print(6 * 7)' > build/answer 2>&1"
    edit = Turn(write=(str(lab.tree / "code.txt"), "evil\n"))
    turns = [Turn(shell=build), *([] if lab.name == "codex" else [edit]), *delivery(lab, Access.TEST)]
    with ModelServer(turns) as server:
        report = lab.run(lab.job(Access.TEST), server)
    assert (lab.tree / "build" / "answer").read_text() == "42\n", lab.log()
    assert (lab.tree / "code.txt").read_text() == "one\n"
    assert (lab.results / "r.md").read_text().strip() == RESULT.strip(), lab.log()
    assert all("code.txt" in denial for denial in report.stream.denials)


def test_an_executor_edits_and_commits_in_a_linked_worktree(lab: Lab) -> None:
    edit = Turn(write=(str(lab.tree / "new.txt"), "new\n"))
    if lab.name == "codex":
        edit = Turn(shell="echo new > new.txt")
    commit = Turn(shell="git add -A && git commit --quiet -m 'feat(x): add new' && git log -1 --format=%s")
    turns = [edit, commit, Turn(shell="python3 -c 'print(6 * 7)'"), *delivery(lab, Access.EDIT)]
    with ModelServer(turns) as server:
        report = lab.run(lab.job(Access.EDIT), server)
    assert (report.outcome, report.stream.failure) == (WorkerOutcome.COMPLETED, Failure.NONE), (report, lab.log())
    assert lab.repo.git("log", "-1", "--format=%s", "work") == "feat(x): add new"
    assert lab.repo.git("show", "work:new.txt") == "new"
    assert Path(lab.results / "r.md").exists()


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="without bubblewrap codex brings its own")
def test_a_client_whose_sandbox_cant_start_has_not_answered(tmp_path: Path) -> None:
    """Its home lies in the folder of temporary files."""
    if not installed():
        pytest.skip("the real clients are not there: make clients")
    lab = Lab(tmp_path, "codex")
    lab.contained, lab.scratch = False, lab.folder
    turns = [Turn(shell="git log --oneline"), Turn(shell="cat code.txt"), Turn(say=RESULT)]
    with ModelServer(turns) as server:
        report = lab.run(lab.job(Access.READ), server)
    assert (report.outcome, report.stream.failure) == (WorkerOutcome.ERROR, Failure.SANDBOX), (report, lab.log())
    assert "bwrap: execvp codex-linux-sandbox" in report.stream.message
    assert not (lab.results / "r.md").exists()


def test_an_executor_that_pushes_is_refused_and_has_not_completed(lab: Lab) -> None:
    remote = lab.folder / "remote.git"
    lab.repo.git("init", "--quiet", "--bare", str(remote))
    lab.repo.git("remote", "add", "origin", str(remote))
    turns = [Turn(shell="git push origin work"), *delivery(lab, Access.EDIT)]
    with ModelServer(turns) as server:
        report = lab.run(lab.job(Access.EDIT), server)
    assert lab.repo.git("-C", str(remote), "for-each-ref") == ""
    if lab.name != "codex":  # its sandbox refuses without a word
        assert (report.outcome, report.stream.failure) == (WorkerOutcome.ERROR, Failure.DENIED)
        assert "git push" in report.stream.denials[0]
