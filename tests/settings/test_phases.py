"""The phase table."""

from __future__ import annotations

import sys

import pytest

from okstra_ctl.errors import UsageError
from okstra_ctl.settings.phases import PhaseTable, phase_table
from support.sealed import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# Spec 3, "Phases": which phase may edit source.
_SOURCE_EDITS = {
    "requirements-discovery": "none",
    "improvement-discovery": "none",
    "error-analysis": "none",
    "review": "none",
    "implementation-planning": "none",
    "implementation": "stage",
    "final-verification": "none",
    "release-handoff": "chosen",
}
_GOOD = {
    "title": "T",
    "summary": "S",
    "report_holds": ["a"],
    "source_edits": "none",
    "allowed": ["a"],
    "forbidden": ["b"],
    "usual_next": "n",
    "verdict_tokens": ["good", "bad"],
    "roles": ["analyst"],
    "workers": ["claude"],
    "max_rounds": 2,
    "adversarial": True,
    "soft_limit_minutes": 1,
    "hard_limit_minutes": 2,
}


@pytest.fixture(scope="module")
def table() -> PhaseTable:
    return phase_table(tomllib.loads((ROOT / "prompts" / "phases.toml").read_text(encoding="utf-8")))


def test_the_phases_and_their_source_edits(table: PhaseTable) -> None:
    assert {name: phase.source_edits for name, phase in table.phases.items()} == _SOURCE_EDITS


def test_what_every_phase_forbids(table: PhaseTable) -> None:
    for name, phase in table.phases.items():
        if _SOURCE_EDITS[name] == "none":
            assert "source edits" in phase.forbidden, name
            assert "deployments" in phase.forbidden, name


def test_what_the_two_changing_phases_forbid(table: PhaseTable) -> None:
    assert any("push" in what for what in table.get("implementation").forbidden)
    handoff = " ".join(table.get("release-handoff").forbidden)
    assert all(word in handoff for word in ("force push", "base branch", "--no-verify", "publishing"))


def test_every_phase_has_a_profile_and_sound_limits(table: PhaseTable) -> None:
    for name, phase in table.phases.items():
        assert (ROOT / "prompts" / "profiles" / f"{name}.md").is_file()
        assert 0 < phase.soft_limit_minutes < phase.hard_limit_minutes
        assert phase.max_rounds >= 1
        assert phase.report_holds and phase.allowed
        assert bool(phase.workers) == bool(phase.roles) == (name != "release-handoff")  # whose steps are okstra's own
        assert ("report-writer" in phase.roles) == bool(phase.roles)


def test_who_works_where(table: PhaseTable) -> None:
    assert {"executor", "verifier"} <= set(table.get("implementation").roles)
    assert "analyst" in table.get("error-analysis").roles


def test_an_unknown_phase_names_those_there_are(table: PhaseTable) -> None:
    with pytest.raises(UsageError) as refused:
        table.get("implement")
    assert refused.value.code == "unknown-phase"
    assert all(name in refused.value.hint for name in _SOURCE_EDITS)


def test_a_good_table_is_read() -> None:
    assert phase_table({"x": _GOOD}).get("x").max_rounds == 2


@pytest.mark.parametrize(
    "change",
    [{name: None} for name in _GOOD] + [{"source_edits": "all"}, {"roles": "analyst"}, {"max_rounds": "many"}],
    ids=str,
)
def test_a_damaged_table_is_refused(change: dict[str, object]) -> None:
    fields = {name: value for name, value in (_GOOD | change).items() if value is not None}
    with pytest.raises(ValueError, match=r"x\b|many"):
        phase_table({"x": fields})


def test_a_table_that_is_no_table_is_refused() -> None:
    with pytest.raises(ValueError, match="x is not a table"):
        phase_table({"x": 1})
