"""What each phase does between its start and its report: one function a task type, answering its material."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...core.paths import IMPLEMENTATION, PLANNING
from ...core.report.tokens import acceptance_tokens, allowed_tokens
from ...words.findings import Gate
from . import acceptance, handoff, implementation
from .analysis import analyse
from .converging import Converged, converge
from .drafting import Material, material
from .scene import Scene

Lead = Callable[[Scene], Material]


def lead_phase(scene: Scene) -> Material:
    """Raises Interrupted, Refused, WorkFailed; what is on disk by then is not done again."""
    return _LEADS.get(scene.id.task_type, lead_analysis)(scene)


def lead_analysis(scene: Scene) -> Material:
    """The phases that find things out: analysts, then convergence."""
    collected = analyse(scene, scene.workers("analyst"))
    converged = converge(scene, collected)
    gates = {"convergence": (converged.gate, converged.note)}
    made = material(scene, collected, converged.outcomes, gates)
    tokens = allowed_tokens(scene.phase.verdict_tokens, plain(gates))
    return made._replace(answers=(*made.answers, *critic_answers(converged)), tokens=tokens)


def lead_acceptance(scene: Scene) -> Material:
    """final-verification: the project's own checks are really run, before anybody gives an opinion."""
    checks = acceptance.run_checks(scene)
    collected = analyse(scene, scene.workers("analyst"))
    converged = converge(scene, collected)
    gates = {"convergence": (converged.gate, converged.note), "checks": acceptance.gate_of(checks)}
    made = material(scene, collected, converged.outcomes, gates)
    tokens = acceptance_tokens(
        scene.phase.verdict_tokens,
        plain(gates),
        tuple(made.verdicts.values()),
        converged.outcomes,
        qa_was_run=bool(checks),
    )
    return made._replace(
        answers=(*made.answers, *critic_answers(converged)),
        tokens=tokens,
        commit=acceptance.commit_of(checks) or made.commit,
        checked=acceptance.rows_of(checks),
    )


def critic_answers(converged: Converged) -> tuple:  # type: ignore[type-arg]
    return converged.critique.answers if converged.critique else ()


def plain(gates: Mapping[str, tuple[Gate, str]]) -> dict[str, Gate]:
    return {name: gate for name, (gate, _) in gates.items()}


_LEADS: dict[str, Lead] = {
    PLANNING: lead_analysis,
    IMPLEMENTATION: implementation.lead_stage,
    "final-verification": lead_acceptance,
    "release-handoff": handoff.lead_handoff,
}
