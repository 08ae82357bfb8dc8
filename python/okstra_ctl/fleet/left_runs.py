"""A node that comes back ends the runs of its done stages: nobody else has their records, and they can't be merged
before."""

from __future__ import annotations

import os

from ..errors import OkstraError
from ..lead.waves import PrintProgress
from ..leadership import led_by_okstra, owner_in
from ..runs.find import find_run
from ..services import Services
from ..status import ClaimStatus, Liveness
from ..system import assets, processes
from ..system.process_identity import liveness


def finish_left(root: str, services: Services, print_progress: PrintProgress) -> None:
    """Resumes what was placed in this clone, is recorded as done, and lost its lead before its report. What can't be
    read is left to `okstra status`."""
    claims = services.registry.read().stages()
    for run_id in [claim.run_id for _, claim in claims if claim.status is ClaimStatus.DONE and claim.job]:
        try:
            run = find_run(run_id, root, services)
            left = led_by_okstra(run) and liveness(owner_in(run, run.manifest)) is Liveness.GONE
        except OkstraError:
            continue
        if left and os.path.realpath(run.project.root) == os.path.realpath(root):
            print_progress(f"{run_id}: its report was not finished; goes on")
            command = [os.path.join(assets.root(), "bin", "okstra"), "resume", run_id, "--project-root", root]
            processes.run(command, env=services.environment)
