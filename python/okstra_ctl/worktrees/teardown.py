"""`worktreeTeardown`: a project's commands that run in a worktree before it is removed, to end what its set-up began.

They run before anything of the removal is decided. So a kill here loses nothing, and the next removal runs them again:
each must be able to run twice.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

from .. import git
from ..claims.registry_document import StageClaim, TaskClaim
from ..errors import WorkFailed
from ..git import worktree_admin
from ..names import REVIEW, StageKey, TaskKey, category_of_branch
from ..paths import ProjectFiles
from ..quoting import okstra_command
from ..services import Services
from ..settings.project import teardown_commands
from ..status import ClaimStatus
from ..system import files
from . import ports

LIMIT_SECONDS = 600.0
"""For each command."""
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9.-]")


def commands_for(key: TaskKey | StageKey, claim: TaskClaim | StageClaim) -> tuple[str, ...]:
    """None for a task whose worktree was removed before, or has what strangers wrote and was never set up. Raises
    UsageError (`bad-config`), Unreadable."""
    if isinstance(claim, TaskClaim) and claim.status is ClaimStatus.DONE:
        return ()
    if isinstance(key, TaskKey) and category_of_branch(claim.branch, key) == REVIEW:
        return ()
    return teardown_commands(ProjectFiles(claim.project_root).config)


def tear_down(
    key: TaskKey | StageKey,
    claim: TaskClaim | StageClaim,
    commands: Sequence[str],
    services: Services,
    *,
    place: str = "",
) -> None:
    """Runs the commands one after the other, contained where there is a sandbox, with the ports of the
    place, by default the key's. Their output is in a log of okstra's home, which stays when one fails.

    Raises WorkFailed (`worktree-teardown-failed`), also where the folder is gone: what the set-up began may go on, and
    the claim alone knows its ports. Refused (`not-trusted`)."""
    if not os.path.isdir(claim.path):
        raise without_folder(key, claim, commands, services)
    from ..system.secrets import hide_in_log

    log = services.home.log(f"worktree-teardown-{_NOT_IN_A_NAME.sub('_', str(key))}.log")
    files.make_private_folders(os.path.dirname(log))
    try:
        _run(key, claim, commands, log, services, ports.known_variables(place or str(key), services))
    finally:
        hide_in_log(log)
    files.discard(log)


def _run(
    key: TaskKey | StageKey,
    claim: TaskClaim | StageClaim,
    commands: Sequence[str],
    log_path: str,
    services: Services,
    variables: Mapping[str, str],
) -> None:
    from ..agents.supervised_process import TIMED_OUT  # slow to import, and most projects have no such command
    from ..runs.commands import run_supervised_shell
    from ..runs.containment import containment, sandbox_of
    from ..sandbox.profile import Role

    sandbox = sandbox_of(claim.project_root, services)
    contained = containment(sandbox, Role.TEARDOWN, claim.path, claim.project_root, variables=tuple(variables))
    with (
        files.open_log(log_path, anew=True) as log,
        worktree_admin.fenced(git.worktree_git_dir(claim.path)) as fence,
    ):
        for command in commands:
            files.write_log(log, f"$ {command}\n")
            status = run_supervised_shell(
                command,
                name="worktree-teardown",
                folder=claim.path,
                log=log_path,
                services=services,
                run_id=str(key),
                keep_open=(fence,),
                contained=contained,
                limit=LIMIT_SECONDS,
                variables=variables,
            )
            if status:
                ended = f"took longer than {LIMIT_SECONDS:g} s" if status == TIMED_OUT else f"ended with {status}"
                raise WorkFailed(
                    "worktree-teardown-failed",
                    f"the worktreeTeardown command `{command}` {ended}, so the worktree of {key} stays",
                    where=log_path,
                    hint=f"read the log, mend the command or what it could not end, then try again; or remove it all "
                    f"the same: {_without(key, claim)}",
                )


def without_folder(
    key: TaskKey | StageKey, claim: TaskClaim | StageClaim, commands: Sequence[str], services: Services
) -> WorkFailed:
    """Why they can't run for a worktree whose folder is gone, and what a person does instead."""
    variables = ports.known_variables(str(key), services)
    with_ports = " with " + ", ".join(f"{name}={number}" for name, number in variables.items()) if variables else ""
    return WorkFailed(
        "worktree-teardown-failed",
        f"the folder of {key} is gone, so worktreeTeardown has no place to run in: "
        + "; ".join(f"`{command}`" for command in commands),
        where=claim.path,
        hint=f"end what they would have ended{with_ports}, then: {_without(key, claim)}",
    )


def _without(key: TaskKey | StageKey, claim: TaskClaim | StageClaim) -> str:
    """The command that removes the worktree without them."""
    if isinstance(claim, StageClaim) and claim.status is not ClaimStatus.DONE:
        return okstra_command("stage", "release", "--run", claim.run_id, "--skip-teardown")
    return okstra_command("worktree", "remove", key, "--skip-teardown")
