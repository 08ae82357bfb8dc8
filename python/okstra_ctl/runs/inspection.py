"""okstra's own git, where it looks into a worktree in which something contained has worked: contained itself.

All is seen and nothing can be written, there is no network, and nothing outlives the look. By bubblewrap alone: where
nothing can be mounted, an executor can turn its worktree's `.git` elsewhere, and a mark there would prove nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import lru_cache

from ..agents.environment import HOME_VARIABLE
from ..errors import Refused
from ..git import inspection as marks
from ..sandbox import bubblewrap
from ..sandbox.bubblewrap import Means
from ..sandbox.choice import Kind, Probed
from ..sandbox.contained import blank_file
from ..sandbox.machine import machine_to_inspect
from ..sandbox.probe import probe
from ..sandbox.profile import inspection
from ..services import Services
from ..settings.sandbox_settings import VARIABLE
from ..system import files
from ..system.inspection import Contained, Look
from ..system.text import loads

SCHEMA = "contained/1"
_TEMPORARY = "/dev/shm"
"""Empty inside, and writable: a filter may need it."""
_LFS = "lfs"


def mark(admin: str, probed: Probed) -> None:
    """Notes in git's own folder of a worktree how its worker is contained, before that starts. Raises WorkFailed."""
    if probed.kind is Kind.BWRAP:
        means = probed.means
        record = {"schema": SCHEMA, "program": means.program, "forbids_namespaces": means.forbids_namespaces}
        marks.mark(admin, json.dumps(record) + "\n")


def contained(look: Look, wanted: Contained, services: Services) -> Contained:
    """The call as it is made inside. Nothing changes for a worker, which is inside already, nor where the person
    switched the sandbox off. Raises Refused (`sandbox-missing`): no look falls back to an uncontained one."""
    if HOME_VARIABLE in services.environment or _switched_off(services):
        return wanted
    common_dir = _common_dir(look.admin)
    found = machine_to_inspect(services.environment.get("HOME", "/"), blank_file(services.home.sandbox))
    lfs = os.path.join(common_dir, _LFS)
    shaped = inspection(look.worktree, found, [lfs] if os.path.isdir(lfs) else [])
    argv = bubblewrap.arguments(shaped, _means(look.mark, services), wanted.argv)
    return Contained(argv, {**wanted.environment, "TMPDIR": _TEMPORARY})


def _common_dir(admin: str) -> str:
    named = (files.read_bytes(os.path.join(admin, "commondir")) or b"").decode("utf-8", "surrogateescape")
    return os.path.realpath(os.path.join(admin, named.removesuffix("\n")))


def _switched_off(services: Services) -> bool:
    asked = services.environment.get(VARIABLE, "")
    settings: Mapping[str, object] = {} if asked else files.read_json(services.home.config) or {}
    return (asked or settings.get("sandbox")) == Kind.OFF


def _means(mark: str, services: Services) -> Means:
    """As it was when the worker started; found anew where that is gone."""
    try:
        noted = loads(mark)
        program = noted.get("program") if isinstance(noted, dict) else None
        if isinstance(noted, dict) and isinstance(program, str) and os.access(program, os.X_OK):
            return Means(program, os.geteuid() == 0, noted.get("forbids_namespaces") is True)
    except (ValueError, RecursionError):
        pass
    return _probed(services.environment.get("PATH", ""))


@lru_cache
def _probed(path: str) -> Means:
    found = probe(Kind.BWRAP, {"PATH": path})
    if found.kind is not Kind.BWRAP:
        raise Refused(
            "sandbox-missing",
            f"a contained worker was in this worktree, and git can't be contained to look at it: {found.why}",
            hint=f"{found.remedy}; or look without: {VARIABLE}={Kind.OFF}",
        )
    return found.means
