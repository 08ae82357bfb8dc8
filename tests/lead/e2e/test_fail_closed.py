"""The fail-closed matrix: every way of giving no answer, by everybody who is asked something, in every phase.

A seat's faults are played one after the other in one run, which each leaves failed and resumable; at the end the
seat answers, and the run must pass: so a red run was red for its silence alone. A critic's silence fails no run,
and is reported. The seats share the faults among them; the long form (`-m stress`) plays each fault at each seat.
"""

from __future__ import annotations

from typing import Any

import pytest

from support import schemas
from support.okstra import Ended, Project
from support.plans import independent
from support.rehearsal import install, led, part, report_of
from support.seats import (
    ACCEPTANCE,
    FAULTS,
    PHASES,
    SEATS,
    Seat,
    draft_tokens,
    install_fault,
    install_sound,
    prepare,
    sound,
)
from support.voices import VOICES, install_voices

CRITICS = [seat for seat in SEATS if seat.role == "critic"]
OTHERS = [seat for seat in SEATS if seat.role != "critic"]
GATES = {
    "analyst": "convergence",
    "analyst plan-check": "plan",
    "executor": "execution",
    "verifier": "verification",
    "report-writer": "report",
}


def test_the_matrix_has_every_role_of_every_phase() -> None:
    asked = {(seat.phase, seat.role) for seat in SEATS}
    declared = {(phase.task_type, role) for phase in PHASES.values() for role in phase.roles}
    assert declared == asked
    assert PHASES["release-handoff"].roles == ()  # okstra itself does what the person chose


def share(seats: list[Seat], seat: Seat, each: int) -> list[str]:
    """The faults that this seat plays: together the seats play them all."""
    every = list(FAULTS)
    return [every[(each * seats.index(seat) + number) % len(every)] for number in range(each)]


def test_together_the_seats_play_every_fault() -> None:
    for seats, each in ((OTHERS, 1), (CRITICS, 2)):
        assert {fault for seat in seats for fault in share(seats, seat, each)} == set(FAULTS)


@pytest.mark.parametrize("seat", OTHERS, ids=str)
def test_no_silence_passes(project: Project, seat: Seat) -> None:
    _play(project, seat, share(OTHERS, seat, 1))


@pytest.mark.stress
@pytest.mark.parametrize("seat", OTHERS, ids=str)
def test_every_silence_of_every_seat(project: Project, seat: Seat) -> None:
    _play(project, seat, list(FAULTS))


def _play(project: Project, seat: Seat, faults: list[str]) -> None:
    prepare(project, seat)
    first: Ended | None = None
    for fault in faults:
        install_fault(project, seat, fault)
        ended = _resume(project, first) if first else led(project, seat.phase)
        first = first or ended
        assert (ended.status, ended.codes) == (1, ["run-failed"]), (fault, ended)
        _check_shut(first, seat, fault)
    assert first is not None
    install_sound(project, seat)
    healed = _resume(project, first)
    assert healed.status == 0, healed
    assert {gate["gate"] for gate in report_of(first)["gates"].values()} == {"passed"}


def _resume(project: Project, first: Ended) -> Ended:
    return project.okstra("resume", first.data["run_id"], "--json")


def _check_shut(run: Ended, seat: Seat, fault: str) -> None:
    report = report_of(run)
    assert schemas.faults(report, "final-report") == []
    gate = report["gates"][GATES.get(f"{seat.role} {seat.label}") or GATES[seat.role]]["gate"]
    assert gate in ("failed", "aborted-non-result"), (fault, report["gates"])
    _check_row(report, seat, fault)
    tokens = draft_tokens(run.data["manifest"])
    assert report["verdict"]["token"] == tokens[-1] or seat.label == "plan-check", fault
    if seat.role == "report-writer":
        assert report["author"]["worker"] == "lead" and report["author"]["reason"], fault
    elif seat.label == "plan-check":
        assert report["verdict"]["token"] == "needs-input", fault
    else:
        assert tokens == [PHASES[seat.phase].verdict_tokens[-1]], fault
    if seat.role in ("analyst", "verifier"):
        assert "consensus" not in {one["class"] for one in report["findings"]}, fault


def _check_row(report: dict[str, Any], seat: Seat, fault: str) -> None:
    _, _, outcome, state = FAULTS[fault]
    (row,) = [row for row in report["execution"] if row["worker"] == seat.worker]
    if seat.label and seat.role == "analyst":
        assert row["note"] == f"{seat.label}: {outcome}, {state}", fault
    else:
        assert (row["outcome"], row["state"]) == (outcome, state), (fault, row)


@pytest.mark.parametrize("seat", CRITICS, ids=str)
def test_a_critics_silence_is_not_the_absence_of_gaps(project: Project, seat: Seat) -> None:
    """Such a run is complete, so every fault costs a run: the phases share the faults among them."""
    _play_critic(project, seat, share(CRITICS, seat, 2))


@pytest.mark.stress
@pytest.mark.parametrize("seat", CRITICS, ids=str)
def test_every_silence_of_every_critic(project: Project, seat: Seat) -> None:
    _play_critic(project, seat, list(FAULTS))


def _play_critic(project: Project, seat: Seat, faults: list[str]) -> None:
    prepare(project, seat)
    best = PHASES[seat.phase].verdict_tokens[0]
    for fault in faults:
        install_fault(project, seat, fault)
        ended = led(project, seat.phase, "--critic", "rehearsal")
        assert ended.status == 0, (fault, ended)
        report = report_of(ended)
        assert report["gates"]["critic"]["gate"] == "aborted-non-result", fault
        assert "nobody has looked" in report["gates"]["critic"]["note"]
        assert report["gates"]["critic"]["note"] in report["risks"]
        _check_row(report, seat, fault)
        assert report["findings"] == []
        assert (best in draft_tokens(ended.data["manifest"])) is (seat.phase != ACCEPTANCE), fault
    install_sound(project, seat)
    run = led(project, seat.phase, "--critic", "rehearsal")
    report = report_of(run)
    assert report["gates"]["critic"]["gate"] == "passed"
    assert [one["title"] for one in report["findings"]] == ["By the critic"]
    # a review with a finding of the critic's is not without an objection
    assert (best in draft_tokens(run.data["manifest"])) is (seat.phase != "review")


@pytest.mark.parametrize(("silent", "expected"), [("", "consensus"), ("gamma", "majority"), ("gamma1", "majority")])
def test_two_of_three_voices_meet_the_quorum_and_the_third_is_missed(
    project: Project, silent: str, expected: str
) -> None:
    """Silence is no agreement, wherever it falls."""
    install_voices(project, VOICES, silent=silent)
    ended = led(project, "error-analysis", "--workers", ",".join(VOICES))
    assert ended.status == 0, ended
    report = report_of(ended)
    assert [one["class"] for one in report["findings"]] == [expected]
    assert ("gamma" in report["gates"]["convergence"]["note"]) is bool(silent)
    row = report["execution"][2]
    notes = {
        "": ("completed", ""),
        "gamma": ("error", "it ended with 1"),
        "gamma1": ("completed", "round-1: error, unavailable"),
    }
    assert (row["outcome"], row["note"]) == notes[silent]


@pytest.mark.parametrize(
    ("silent", "class_"), [("beta gamma", "single-source"), ("beta1 gamma1", "aborted-non-result")]
)
def test_one_voice_of_three_is_no_quorum(project: Project, silent: str, class_: str) -> None:
    install_voices(project, VOICES, silent=silent)
    ended = led(project, "error-analysis", "--workers", ",".join(VOICES))
    assert (ended.status, ended.codes) == (1, ["run-failed"])
    report = report_of(ended)
    assert report["gates"]["convergence"]["gate"] == "aborted-non-result"
    (found,) = report["findings"]
    assert found["class"] == class_
    assert draft_tokens(ended.data["manifest"]) == ["cause-unknown"]


@pytest.mark.parametrize("workers", ["alpha", "alpha,alpha"])
def test_one_voice_twice_is_one_voice(project: Project, workers: str) -> None:
    install_voices(project, VOICES)
    ended = led(project, "error-analysis", "--workers", workers)
    assert (ended.status, ended.codes) == (1, ["run-failed"])
    report = report_of(ended)
    assert report["gates"]["convergence"] == {"gate": "aborted-non-result", "note": "1 of 2 voices answered"}
    assert [one["class"] for one in report["findings"]] == ["single-source"]


def test_one_voice_can_not_verify_a_stage(project: Project) -> None:
    plan = project.adopt(independent(1))
    install(project, part(*sound(Seat("implementation", "executor", "")), role="executor"))
    ended = led(project, "implementation", "--workers", "rehearsal")
    assert (ended.status, ended.codes) == (1, ["run-failed"]), ended
    report = report_of(ended)
    assert report["gates"]["verification"] == {"gate": "aborted-non-result", "note": "1 of 2 voices answered"}
    (stage,) = project.okstra.ok("stage", "list", "--plan", plan, "--json").data["stages"]
    assert stage["status"] == "failed"
