"""How an agent of the Agent Client Protocol begins its session and ends its turn, where okstra must look twice."""

from __future__ import annotations

import json
from pathlib import Path

from okstra_ctl.agents.acp.provider import ORDERS, Acp
from okstra_ctl.status import Access, Failure, WorkerOutcome
from support.acp_playing import ends, job, place, play, scripted


def test_a_providers_limit_that_an_agent_gives_as_its_answer_is_none(tmp_path: Path) -> None:
    here = place(tmp_path)
    limit = {"say": "You've hit your usage limit. Try again in 20 hours."}
    report = play(scripted(here, {"steps": [limit, {"end": "end_turn"}]}), job(here, Access.READ))
    assert (*ends(report), report.attempts) == (WorkerOutcome.QUOTA, Failure.RATE_LIMIT, 1)
    assert report.stream.retry_after == 20 * 3600
    worked = [{"ask": {"kind": "read", "path": "code.txt"}}, limit, {"end": "end_turn"}]
    report = play(scripted(here, {"steps": worked}), job(here, Access.READ))
    assert ends(report) == (WorkerOutcome.COMPLETED, Failure.NONE), "one that used tools speaks of the task"


def test_an_agent_works_in_the_mode_that_asks_and_in_another_inside_the_sandbox(tmp_path: Path) -> None:
    here = place(tmp_path)
    script = {"steps": [{"mode": True}], "modes": ["auto", "ask"], "models": ["default"]}
    agent = scripted(here, script, mode="ask", contained_mode="full")
    report = play(agent, job(here, Access.READ))
    assert json.loads(report.stream.last_message) == ["ask"]
    assert report.stream.model is None, "its own choice is no model's name"
    missing = play(agent._replace(mode="never"), job(here, Access.READ))
    assert ends(missing) == (WorkerOutcome.ERROR, Failure.CLIENT)
    assert "asked to answer with never, and would with auto" in missing.stream.message
    launched = Acp(agent).launch(job(here, Access.READ), "", {}).environment
    assert json.loads(launched[ORDERS])["mode"] == "ask"
