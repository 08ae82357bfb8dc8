"""Real agents of the Agent Client Protocol: what each access lets them do, and what the protocol reports of it; and of
every real agent, okstra's own clients among them, the row of the table in the docs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from okstra_ctl.agents.acp.probe import Readiness, probe
from okstra_ctl.agents.acp_agents import agents
from okstra_ctl.agents.usage import codex_thread
from okstra_ctl.doctor.agents import contained_as_a_worker
from okstra_ctl.names import AGENTS_MODEL
from okstra_ctl.sandbox.choice import Kind
from okstra_ctl.services import open_services
from okstra_ctl.status import Access, Failure, WorkerOutcome
from okstra_ctl.system import assets
from support.fake_clients import left_of
from support.sealed import sealed_environment

from . import seen
from .install import PINNED, installed
from .lab import SPOKEN, Lab
from .model_server import Fault, ModelServer
from .test_access import RESULT, delivery
from .wires import INPUT_TOKENS, OUTPUT_TOKENS, Turn

OPENCODE = "acp:opencode"
_PACKAGES = {
    "claude": "@anthropic-ai/claude-code",
    "codex": "@openai/codex",
    "gemini": "@google/gemini-cli",
    OPENCODE: "opencode-ai",
    "acp:gemini": "@google/gemini-cli",
    "acp:claude": "@agentclientprotocol/claude-agent-acp",
    "acp:codex": "@agentclientprotocol/codex-acp",
}
_PATIENT = {"soft": 150.0, "hard": 170.0}
"""It takes seconds to start, and many on a busy machine."""


@pytest.fixture
def opencode(tmp_path: Path) -> Lab:
    if not installed():
        pytest.skip("the real clients are not there: make clients")
    return Lab(tmp_path, OPENCODE)


def test_a_reader_reads_and_answers_and_the_protocol_tells_its_model_and_its_cost(opencode: Lab) -> None:
    turns = [Turn(call=("read", {"filePath": str(opencode.tree / "code.txt")})), Turn(say=RESULT)]
    with ModelServer(turns) as server:
        report = opencode.run(opencode.job(Access.READ, **_PATIENT), server)
    assert report.outcome is WorkerOutcome.COMPLETED, (report, opencode.log())
    assert (opencode.results / "r.md").read_text().strip() == RESULT.strip()
    assert report.stream.model == SPOKEN and report.stream.denials == ()
    used = report.stream.usage
    # It tells the tokens of the last call, and the money of all.
    assert used is not None and used[:4] == (INPUT_TOKENS - 100, 100, 0, OUTPUT_TOKENS)
    assert used.cost_usd == pytest.approx(2 * ((INPUT_TOKENS - 100) * 3 + OUTPUT_TOKENS * 15) / 1_000_000)


def test_a_reader_that_is_refused_goes_on_and_has_changed_nothing(opencode: Lab) -> None:
    evil = Turn(write=(str(opencode.tree / "code.txt"), "evil\n"))
    with ModelServer([Turn(shell="echo x > evil.txt"), evil, Turn(say=RESULT)]) as server:
        report = opencode.run(opencode.job(Access.READ, **_PATIENT), server)
    assert report.outcome is WorkerOutcome.COMPLETED, (report, opencode.log())
    assert ["runs no commands" in report.stream.denials[0], "writes no files" in report.stream.denials[1]] == [True] * 2
    assert sorted(entry.name for entry in opencode.tree.iterdir()) == [".git", "README.md", "code.txt"]
    assert (opencode.tree / "code.txt").read_text() == "one\n"


def test_an_executor_that_pushes_is_refused_and_has_not_completed(opencode: Lab) -> None:
    with ModelServer([Turn(shell="git push origin work"), Turn(say=RESULT)]) as server:
        report = opencode.run(opencode.job(Access.EDIT, **_PATIENT), server)
    assert (report.outcome, report.stream.failure) == (WorkerOutcome.ERROR, Failure.DENIED), (report, opencode.log())
    assert "nothing is pushed" in report.stream.denials[0]


def test_a_provider_that_refuses_the_key_is_an_error(opencode: Lab) -> None:
    with ModelServer([Turn(say=RESULT)], always=Fault(401)) as server:
        report = opencode.run(opencode.job(Access.READ, **_PATIENT), server)
    assert report.outcome is WorkerOutcome.ERROR and report.stream.message, (report, opencode.log())
    assert not (opencode.results / "r.md").exists()


def test_it_is_ready_and_names_its_model_without_asking_it(opencode: Lab) -> None:
    with ModelServer([]) as server:
        agent = agents(assets.toml("prompts", "agents.toml"), {}, "")["opencode"]
        kind = str(Kind.BWRAP if opencode.contained else Kind.OFF)
        services = open_services({**sealed_environment(opencode.home), "OKSTRA_SANDBOX": kind})
        inside = contained_as_a_worker(os.sep, services)
        found = probe(agent, opencode.environment(server), model=AGENTS_MODEL, inside=inside)
    assert (found.state, found.version, found.model) == (Readiness.READY, PINNED["opencode-ai"], SPOKEN), found
    assert server.requests == []


@pytest.mark.parametrize("access", [Access.READ, Access.EDIT])
def test_gemini_answers_over_the_protocol_with_the_model_asked_for(tmp_path: Path, access: Access) -> None:
    if not installed():
        pytest.skip("the real clients are not there: make clients")
    lab = Lab(tmp_path, "acp:gemini")
    with ModelServer(delivery(lab, access)) as server:
        report = lab.run(lab.job(access, **_PATIENT), server)
    assert report.outcome is WorkerOutcome.COMPLETED, (report, lab.log())
    assert report.stream.model == "gemini-2.5-pro"


@pytest.mark.parametrize("name", _PACKAGES)
def test_the_row_of_the_docs_table_is_what_is_seen_here(tmp_path: Path, name: str) -> None:
    if not installed():
        pytest.skip("the real clients are not there: make clients")
    row = {"version": PINNED[_PACKAGES[name]]} | _read(Lab(tmp_path / "r", name)) | _edited(Lab(tmp_path / "e", name))
    row |= _limited(Lab(tmp_path / "l", name))
    if os.environ.get("SEEN_ANEW"):
        seen.record(name, row)
    assert json.loads(seen.SEEN.read_text())[name] == row


def _read(lab: Lab) -> dict[str, str]:
    with ModelServer(delivery(lab, Access.READ)) as server:
        report = lab.run(lab.job(Access.READ, **_PATIENT), server)
    delivered = report.outcome is WorkerOutcome.COMPLETED and (lab.results / "r.md").read_text().strip()
    used = report.stream.usage
    told = [] if used is None else ["tokens", *(["money"] if used.cost_usd is not None else [])]
    return {
        "read": "yes" if delivered == RESULT.strip() else "no",
        "usage": ", ".join(told) or "no",
        "model seen": "yes" if report.stream.model else _in_its_session_file(lab, report.stream.session),
    }


def _in_its_session_file(lab: Lab, session: str) -> str:
    counted = codex_thread(str(lab.home / ".codex"), session) if lab.name == "codex" else None
    return "in its session file" if counted and all(share.model for share in counted.models) else "no"


def _edited(lab: Lab) -> dict[str, str]:
    """Edits and commits; and tries to write beside its worktree."""
    outside = lab.folder / "outside.txt"
    commit = f"echo new > new.txt; git add new.txt && git commit --quiet -m 'feat: new'; echo x > '{outside}'; true"
    with ModelServer([Turn(shell=commit), *delivery(lab, Access.EDIT)]) as server:
        report = lab.run(lab.job(Access.EDIT, **_PATIENT), server)
    done = report.outcome is WorkerOutcome.COMPLETED and lab.repo.git("log", "-1", "--format=%s", "work") == "feat: new"
    return {"edit": "yes" if done else "no", "contained": "no" if outside.exists() else "yes"}


def _limited(lab: Lab) -> dict[str, str]:
    """Its model never answers."""
    with ModelServer(delivery(lab, Access.READ), always=Fault(hang=True)) as server:
        work = lab.job(Access.READ, soft=30.0, hard=45.0)
        report = lab.run(work, server)
    return {"limits": "yes" if report.outcome is WorkerOutcome.TIMEOUT and left_of(work) == [] else "no"}
