"""The modules that decide something, and the tests that should see a fault in each.

`quick` run for every mutant; `long`, which start okstra itself, only for those that the quick ones pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Tests(NamedTuple):
    quick: tuple[str, ...]
    long: tuple[str, ...] = ()


_PLAN_RULES = (
    *("test_single_mistakes", "test_rules_together", "test_steps", "test_model", "test_overlap", "test_graph"),
    *("test_globs", "test_approval", "test_weak_checks", "test_corpus"),
)
_PLAN = Tests(
    (*(f"tests/plan/{name}.py" for name in _PLAN_RULES), "tests/proof/test_rules.py"),
    ("tests/plan/test_other_peoples_plans.py", "tests/plan/test_drawing.py"),
)
_RESULTS = Tests(("tests/results",), ("tests/lead/e2e/test_led_runs.py", "tests/proof/test_proven_findings.py"))
_GUARD = Tests(
    ("tests/guard/test_rules.py", "tests/guard/test_authors.py", "tests/guard/test_differences.py"),
    ("tests/guard/git",),
)
_SHARED = Tests(
    ("tests/remote/test_shared_task.py", "tests/remote/test_lease.py", "tests/remote/test_task_document.py"),
    ("tests/remote/git/test_exchange.py",),
)

DECIDING: Mapping[str, Tests] = {
    "claims/ledger_rows.py": Tests(("tests/claims",), ("tests/stages/git/test_done.py",)),
    "claims/registry_document.py": Tests(("tests/claims",), ("tests/recovery/git",)),
    "agents/when_again.py": Tests(("tests/agents/test_retry_times.py",)),
    "fleet/moves.py": Tests(("tests/fleet/test_moves.py",), ("tests/fleet/e2e/test_work.py",)),
    "gc/policy.py": Tests(("tests/gc/test_policy.py",), ("tests/gc/e2e",)),
    "guard/breaches.py": _GUARD,
    "guard/calls.py": _GUARD,
    "names.py": Tests(("tests/names",), ("tests/tasks/e2e/test_short_names.py",)),
    "plan/approval.py": _PLAN,
    "plan/globs.py": _PLAN,
    "plan/overlap.py": _PLAN,
    "plan/parse.py": _PLAN,
    "plan/rules.py": _PLAN,
    "plan/structure.py": _PLAN,
    "proof/rules.py": Tests(("tests/proof/test_rules.py",), ("tests/proof/test_stage_proof.py",)),
    "pulls/items.py": Tests(("tests/pulls/test_items.py",), ("tests/pulls/e2e",)),
    "remote/lease_rules.py": _SHARED,
    "remote/shared_task.py": _SHARED,
    "remote/task_document.py": _SHARED,
    "report/outcome.py": Tests(("tests/report/test_outcome.py",), ("tests/report/e2e/test_report_now.py",)),
    "results/convergence.py": _RESULTS,
    "results/evidence.py": _RESULTS,
    "results/parse.py": _RESULTS,
    "results/proofs.py": _RESULTS,
    "results/voices.py": _RESULTS,
    "sandbox/choice.py": Tests(("tests/sandbox/test_profile.py", "tests/settings/test_sandbox_settings.py")),
    "sandbox/profile.py": Tests(("tests/sandbox/test_profile.py",), ("tests/sandbox/test_attacks.py",)),
    "seals/rows.py": Tests(("tests/seals/test_rows.py",), ("tests/seals/e2e",)),
    "settings/roster.py": Tests(
        ("tests/settings/test_roster.py", "tests/settings/test_models.py"), ("tests/settings/e2e/test_config.py",)
    ),
    "stages/select.py": Tests(
        ("tests/stages/test_select.py", "tests/stages/test_reservation_machine.py"),
        ("tests/stages/git", "tests/stages/e2e/test_claims.py"),
    ),
    "status.py": Tests(("tests/names/test_status.py",), ("tests/history/e2e/test_one_status.py",)),
}
