"""A quorum counts the model families that were observed answering, and the report says how independent they were."""

from __future__ import annotations

import json
import os
from pathlib import Path

from okstra_ctl.lead.voices import observed_families
from support.client_streams import claude_answer, claude_result, stream
from support.clients_on_path import client
from support.okstra import Project
from support.plans import independent
from support.rehearsal import led, report_of
from support.voices import install_voices


def _as(project: Project, **families: str) -> None:
    """The providers, with these families."""
    path = project.home / "config.json"
    config = json.loads(path.read_text())
    for name, family in families.items():
        config["providers"][name]["family"] = family
    path.write_text(json.dumps(config))


def _claude_on_path(project: Project, model: str) -> None:
    """A `claude` that answers like the other voices, by that model."""
    folder = project.repo.path.parent / "clients"
    folder.mkdir()
    answered = stream(claude_answer(model=model), claude_result(modelUsage={}))
    (folder / "stream").write_bytes(answered)
    script = project.repo.path.parent / "client.sh"
    client(folder, "claude", works=f"cat >/dev/null; sh '{script}' >&2; cat '{folder}/stream'")
    project.okstra.environment["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"


def test_the_model_that_answered_counts_and_not_the_one_that_was_asked_for(project: Project) -> None:
    """`claude` is asked for gpt-5.6, a family of its own beside alpha's, and answers with alpha's."""
    install_voices(project, ["alpha"])
    _as(project, alpha="Anthropic")
    _claude_on_path(project, "claude-x-1")
    words = ("--workers", "alpha,claude", "--claude-model", "custom:gpt-5.6", "--report-language", "ko")
    ended = led(project, "error-analysis", *words)
    assert ended.codes == ["run-failed"], ended
    report = report_of(ended)
    assert report["gates"]["convergence"] == {"gate": "aborted-non-result", "note": "1 of 2 voices answered"}
    assert report["voices"] == {
        "quorum": 2,
        "families": [{"family": "claude", "workers": ["alpha", "claude"]}],
        "executor": "",
        "independent": 1.2,
    }
    page = Path(ended.data["report"]).read_text()
    assert "응답한 모델 계열: 1 (필요한 수: 2); claude (alpha, claude)" in page
    assert "독립 의견의 수: 1.2" in page
    assert "한 모델 계열만 판단했습니다" in page


def test_a_stage_that_its_own_family_alone_passes_is_done_where_a_person_lowered_the_quorum_and_the_report_says_so(
    project: Project,
) -> None:
    plan = project.adopt(independent(1))
    install_voices(project, ["alpha", "beta"])
    _as(project, alpha="claude", beta="claude")
    words = ("--workers", "alpha,beta", "--executor", "alpha", "--report-writer", "rehearsal")
    refused = led(project, "implementation", *words, "--provider", "")
    assert refused.codes == ["run-failed"], refused
    assert report_of(refused)["gates"]["verification"]["gate"] == "aborted-non-result"
    again = project.okstra("resume", refused.data["run_id"], "--quorum", "1", "--json")
    assert again.status == 0, again
    report = report_of(refused)
    note = "only claude, which carried it out, has passed it: the quorum is 1"
    assert report["gates"]["verification"] == {"gate": "passed", "note": note}
    assert report["voices"]["quorum"] == 1
    alone = "No model family has judged but the one that did the work."
    page = Path(again.data["report"])
    assert alone in page.read_text() and alone in page.with_suffix(".html").read_text()
    (stage,) = project.okstra.ok("stage", "list", "--plan", plan, "--json").data["stages"]
    assert stage["status"] == "done"


def test_models_of_one_family_are_known_from_shares_where_no_single_one_answered() -> None:
    def ended(worker: str, model: str | None, *shares: str, outcome: str = "completed") -> dict[str, object]:
        usage = {"models": [{"model": share} for share in shares]}
        return {"event": "ended", "worker": worker, "outcome": outcome, "model": model, "usage": usage}

    rows = [
        ended("g", None, "gemini-3.5-flash", "gemini-3.5-flash-lite"),
        ended("m", None, "gemini-3.5-flash", "gpt-5.6"),
        ended("c", "claude-x-1", "claude-x-1", "gpt-5.6"),
        ended("n", "mine"),
        ended("f", "gpt-5.6", outcome="error"),
        {"event": "counted", "worker": "s", "model": "claude-x-1", "usage": None},
        ended("c", None),
    ]
    assert observed_families(rows) == {"g": "gemini", "m": "", "c": "claude", "n": "", "s": "claude"}
