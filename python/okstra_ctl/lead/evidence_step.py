"""The evidence check of a led run: before convergence, so that verifiers see what a program found (spec 5)."""

from __future__ import annotations

from collections.abc import Mapping

from ..checks.evidence import Place, check_findings
from ..checks.run_evidence import recorded_runs
from ..results.evidence import Checked
from ..results.records import Evidence
from .analysis import Collected
from .context import Scene


def check_results(scene: Scene, collected: Collected, commit: str = "") -> Mapping[Evidence, Checked]:
    """What was found of every line of evidence. `commit` is looked into; by default the run's."""
    findings = [finding for result in collected.results.values() for finding in result.findings]
    return check_findings(Place(scene.folder, commit or scene.commit, recorded_runs(scene.run)), findings)
