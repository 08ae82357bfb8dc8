"""A run that `next` or a wave starts has the providers and models of the one before; and what `next` says of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from okstra_ctl.commands.next import in_words, roster_flags
from okstra_ctl.commands.run import command_of
from okstra_ctl.history.units import Unit, UnitStatus
from okstra_ctl.names import TaskKey
from okstra_ctl.runs.request import PrepareInputs

_ROSTER = [
    {"role": "executor", "provider": "codex", "model": "gpt-a"},
    {"role": "verifier", "provider": "codex", "model": "gpt-a"},
    {"role": "verifier", "provider": "claude", "model": "opus"},
    {"role": "report-writer", "provider": "claude", "model": "haiku"},
]


def test_each_role_keeps_its_provider_and_the_report_writer_its_own_model() -> None:
    models = ["--claude-model=custom:opus", "--codex-model=custom:gpt-a", "--report-writer-model=custom:haiku"]
    assert list(roster_flags(_ROSTER, ("executor", "verifier", "report-writer"))) == [
        "--workers=codex,claude",
        "--executor=codex",
        "--report-writer=claude",
        *models,
    ]
    critic = [*_ROSTER, {"role": "critic", "provider": "gemini", "model": "pro"}]
    assert "--critic=gemini" in roster_flags(critic, ("analyst", "report-writer", "critic"))
    assert not any("gemini=" in flag or "critic" in flag for flag in roster_flags(critic, ("executor", "verifier")))


def test_a_phase_gets_no_flag_for_a_role_that_it_lacks() -> None:
    flags = list(roster_flags(_ROSTER, ("analyst",)))
    assert flags == ["--workers=codex,claude", "--claude-model=custom:opus", "--codex-model=custom:gpt-a"]
    assert list(roster_flags([], ("analyst",))) == []


def test_all_stages_of_a_wave_have_the_report_writer_that_was_asked_for() -> None:
    inputs = PrepareInputs(Path("/p"), "p", "g", "i", "implementation", workers=("codex",), report_writer="gemini")
    assert "--report-writer=gemini" in command_of(inputs, TaskKey("p", "g", "i"), "/p")


@pytest.mark.parametrize(
    ("name", "title", "status", "words"),
    [
        ("implementation-planning", "", UnitStatus.READY, "plan the change"),
        ("implementation-planning", "", UnitStatus.INTERRUPTED, "go on with implementation-planning"),
        ("stage 1", "Count from one", UnitStatus.READY, "Count from one"),
        ("stage 1", "Count from one", UnitStatus.FAILED, "go on with Count from one"),
        ("approval", "approve the plan", UnitStatus.PERSON, "approve the plan"),
    ],
)
def test_the_next_step_is_said_as_a_thing_to_do(name: str, title: str, status: UnitStatus, words: str) -> None:
    assert in_words(Unit("i", "k", name, title, status, (), None, "okstra run")) == words
