"""What each phase does between its start and its report: one function a task type, answering its material."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..names import IMPLEMENTATION, PLANNING
from ..report.outcome import CRITIC_GATE
from ..report.tokens import acceptance_tokens, allowed_tokens
from ..results.findings import Gate
from . import acceptance, handoff, implementation
from .analysis import analyse
from .context import Scene
from .converge import Converged, converge
from .draft import Material, material

Lead = Callable[[Scene], Material]
CHECKS_GATE = "checks"


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
    return with_critic(made._replace(tokens=tokens), converged)


def lead_acceptance(scene: Scene) -> Material:
    """final-verification: the project's own checks are really run, before anybody gives an opinion."""
    checks = acceptance.run_checks(scene)
    collected = analyse(scene, scene.workers("analyst"))
    converged = converge(scene, collected)
    gates = {"convergence": (converged.gate, converged.note), CHECKS_GATE: acceptance.gate_of(checks)}
    made = material(scene, collected, converged.outcomes, gates)
    tokens = acceptance_tokens(
        scene.phase.verdict_tokens,
        plain(gates),
        tuple(made.verdicts.values()),
        converged.outcomes,
        looked_at_all=bool(checks) and critic_gate(converged)[0].open,
    )
    made = made._replace(
        tokens=tokens,
        commit=acceptance.commit_of(checks) or made.commit,
        checked=acceptance.rows_of(checks),
    )
    return with_critic(made, converged)


def with_critic(made: Material, converged: Converged) -> Material:
    """The critic's row, and its gate: what nobody looked for does not read as nothing found."""
    if converged.critique is None:
        return made
    gate, note = critic_gate(converged)
    return made._replace(
        answers=(*made.answers, *converged.critique.answers),
        gates={**made.gates, CRITIC_GATE: (gate, note)},
        risks=made.risks if gate.open else (*made.risks, note),
    )


def critic_gate(converged: Converged) -> tuple[Gate, str]:
    """Open when the run has no critic, or has heard it."""
    answers = converged.critique.answers if converged.critique else ()
    silent = ", ".join(f"{one.worker.id}: {one.outcome}, {one.state}" for one in answers if not one.state.counts)
    return (Gate.ABORTED, f"nobody has looked for what the analysts missed ({silent})") if silent else (Gate.PASSED, "")


def plain(gates: Mapping[str, tuple[Gate, str]]) -> dict[str, Gate]:
    return {name: gate for name, (gate, _) in gates.items()}


_LEADS: dict[str, Lead] = {
    PLANNING: lead_analysis,
    IMPLEMENTATION: implementation.lead_stage,
    "final-verification": lead_acceptance,
    "release-handoff": handoff.lead_handoff,
}
