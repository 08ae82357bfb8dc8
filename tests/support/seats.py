"""The seats of the fail-closed matrix: who is asked what in which phase, and every way of giving no answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from okstra_ctl.settings.phases import Phase
from okstra_ctl.system import assets

from .okstra import Project
from .phases import PHASES
from .plans import independent
from .rehearsal import answers, executed, finding, install, part, result

Steps = tuple[dict[str, Any], ...]
ACCEPTANCE, PLANNING = "final-verification", "implementation-planning"
_MAIN, _ROUND, _PLAN, _TURN = "", "round-1", "plan-check", "turn-2"
_LATER = {"analyst": (_ROUND,), "executor": (_TURN,), "verifier": (_TURN,)}
_WORKERS = {
    "analyst": "rehearsal-b",
    "verifier": "rehearsal-b-verifier",
    "executor": "rehearsal-executor",
    "report-writer": "report-writer",
    "critic": "critic",
}
_ROUNDS = {_MAIN: "", _ROUND: "1", _PLAN: "plan", _TURN: "turn-2"}


class Seat(NamedTuple):
    """One thing that one worker is asked in a phase; `label` is empty for its main part."""

    phase: str
    role: str
    label: str

    @property
    def worker(self) -> str:
        return _WORKERS[self.role]

    def __str__(self) -> str:
        return "-".join(filter(None, [self.phase, self.role, self.label]))


def _seats_of(phase: Phase) -> list[Seat]:
    found = []
    for role in phase.roles:
        labels = (_MAIN, *_LATER.get(role, ()), *((_PLAN,) if (phase.task_type, role) == (PLANNING, "analyst") else ()))
        found += [Seat(phase.task_type, role, label) for label in labels]
    return found


SEATS = [seat for phase in PHASES.values() for seat in _seats_of(phase)]

UNREADABLE = {"run": "printf '\\377\\376' >\"$OKSTRA_RESULT\""}
NO_FILE = {"run": 'mkfifo "$OKSTRA_RESULT"'}
NO_FORM = {"result": "I have looked at everything, and all is well.\n"}
# What is played instead of an answer or after a sound one, the outcome and the state that it must come to.
FAULTS: dict[str, tuple[Steps, bool, str, str]] = {
    "no file": (({"say": "done"},), False, "invalid-result", "unavailable"),
    "no terminal event": (({"fault": "silent"},), True, "error", "unavailable"),
    "empty": (({"fault": "empty"},), False, "invalid-result", "empty"),
    "unreadable": ((UNREADABLE,), False, "invalid-result", "unreadable"),
    "no plain file": ((NO_FILE,), False, "invalid-result", "unreadable"),
    "wrong schema": ((NO_FORM,), False, "invalid-result", "unreadable"),
    "crash": (({"fault": "crash"},), True, "error", "unavailable"),
    "rate limit": (({"fault": "rate-limit", "after": 1_000_000},), True, "quota", "unavailable"),
    "time-out": (({"fault": "hang"},), True, "timeout", "timeout"),
}
WAITED_OUT = "time-out"


def install_fault(project: Project, seat: Seat, fault: str) -> None:
    """The seat's worker fails so, after a sound answer where the client's end is what is wrong; all others do well."""
    steps, after_a_sound_one, _, _ = FAULTS[fault]
    steps = (*sound(seat), *steps) if after_a_sound_one else steps
    # A critic's run has its analysts under the same limit: they must come well below it.
    seconds = 6 if seat.role == "critic" else 1.5
    limits = {"limits": {"softMinutes": seconds / 60, "hardMinutes": seconds / 30}}
    _install(project, seat, steps, limits if fault == WAITED_OUT else {})


def install_sound(project: Project, seat: Seat) -> None:
    _install(project, seat, sound(seat), {})


def _install(project: Project, seat: Seat, steps: Steps, config: dict[str, Any]) -> None:
    settings = project.home / "config.json"
    if settings.exists():
        settings.unlink()
    matches: dict[str, str | list[str]] = {"phase": seat.phase, "worker": seat.worker, "round": _ROUNDS[seat.label]}
    install(project, part(*steps, **matches), *_others(seat), **config)


def _others(seat: Seat) -> list[dict[str, Any]]:
    """What the others must do so that the seat is asked at all."""
    if seat.label == _ROUND:
        return [part(*_found(seat.phase, "a-claim"), worker="rehearsal-a", round="")]
    if seat.phase != "implementation":
        return []
    failed = {"result": result(finding("high", "Half of it is missing"), verdict="fail")}
    first = [part(failed, worker="rehearsal-b-verifier", round="")] if seat.label == _TURN else []
    return [
        *first,
        part(*_built("more.py", "fix: more"), role="executor", round="turn-2"),
        part(*_built("it.py", "feat: it"), role="executor", round=""),
    ]


def sound(seat: Seat) -> Steps:
    """The steps of an answer that counts."""
    if seat.label == _ROUND:
        return ({"result": answers(G_001="AGREE")},)
    if seat.label == _PLAN:
        return ({"result": answers(PLAN="AGREE", STAGE_1="AGREE")},)
    if seat.role == "executor":
        return _built("more.py", "fix: more") if seat.label else _built("it.py", "feat: it")
    if seat.role == "verifier":
        return ({"result": result(verdict="pass")},)
    if seat.role == "report-writer":
        return _report(seat.phase)
    return _found(seat.phase, seat.role)


def _found(phase: str, title: str) -> Steps:
    verdict = "accepted" if phase == ACCEPTANCE and title != "critic" else ""
    return ({"result": result(finding("low", f"By the {title}"), verdict=verdict)},)


def _built(name: str, subject: str) -> Steps:
    return (
        {"write": {"path": f"stage-1/{name}", "content": "x = 1\n"}},
        {"commit": subject},
        {"result": executed(1, 2)},
    )


def _report(phase: str) -> Steps:
    parts: Any = assets.toml("prompts", "rehearsal", "default.toml")["part"]
    (own, *_) = [one for one in parts if one.get("role") == "report-writer" and one.get("phase", phase) == phase]
    return tuple(step for step in own["steps"] if "report" in step)


def prepare(project: Project, seat: Seat) -> None:
    """What the phase needs before it: a plan, checks to run, an acceptance."""
    settings = project.repo.path / ".okstra" / "project.json"
    if seat.phase == "implementation":
        project.adopt(independent(1))
    if seat.phase == "review":
        project.repo.commit({"reviewed.txt": "new\n"})
    if seat.phase == ACCEPTANCE:
        settings.write_text(settings.read_text().replace('"qaCommands": []', '"qaCommands": ["true"]'))


def draft_tokens(manifest: str) -> list[str]:
    """What the writer of that run was told that it may conclude."""
    path = Path(manifest)
    number = path.stem.rpartition("-")[2]
    draft = path.parent.parent / "state" / f"report-draft-{number}.json"
    tokens: list[str] = json.loads(draft.read_text())["tokens"]
    return tokens
