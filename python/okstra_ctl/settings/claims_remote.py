"""Which git remote a project's machines agree on, if any: `claims`, `claimsLease`, `claimsNamespace` of project.json.

The file comes with the repository, and what it names is used with a person's login: so it names a remote that the clone
knows, never an address, and counts once a person trusts it (`trust.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from ..errors import UsageError

OFF = "off"
NAMESPACE = "refs/okstra/tasks"
"""For hosts that accept branches alone there is `refs/heads/okstra-claims`, or another name like it."""
LEAST_LEASE = 5 * 60
_REMOTE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,99}\Z")
_NAMESPACE = re.compile(r"refs/(?:okstra|heads/okstra-[a-z0-9-]+|okstra/[a-z0-9-]+)\Z")
_LEASE = re.compile(r"([1-9][0-9]{0,3})([mh])\Z")


class ClaimsSettings(NamedTuple):
    """`remote` is empty where claims stay on this machine. `lease` is seconds; 0: no claim ends by time alone."""

    remote: str = ""
    lease: int = 0
    namespace: str = NAMESPACE


def claims_settings(document: Mapping[str, object]) -> ClaimsSettings:
    """`document` is project.json. Raises UsageError (`bad-config`)."""
    remote = _text(document, "claims", OFF)
    return ClaimsSettings(
        "" if remote == OFF else check_remote_name(remote),
        lease_seconds(_text(document, "claimsLease", "")),
        check_namespace(_text(document, "claimsNamespace", NAMESPACE)),
    )


def check_remote_name(name: str) -> str:
    """Raises UsageError (`bad-config`)."""
    if _REMOTE.match(name) is None:
        hint = "name a remote that `git remote` lists, such as origin; an address is set there"
        raise UsageError("bad-config", f"claims can't be {name[:100]!r}", hint=hint)
    return name


def check_namespace(namespace: str) -> str:
    """Raises UsageError (`bad-config`)."""
    if _NAMESPACE.match(namespace) is None:
        raise UsageError(
            "bad-config",
            f"claims can't be kept below {namespace[:100]!r}",
            hint=f"{NAMESPACE}, or for a host that accepts branches alone refs/heads/okstra-claims",
        )
    return namespace


def lease_seconds(text: str) -> int:
    """`30m` or `2h`; empty is 0: no lease. Raises UsageError (`bad-config`)."""
    if not text:
        return 0
    found = _LEASE.match(text)
    seconds = int(found[1]) * (60 if found[2] == "m" else 3600) if found else 0
    if seconds < LEAST_LEASE:
        raise UsageError(
            "bad-config",
            f"a lease can't be {text[:40]!r}",
            hint="write minutes or hours, 5m or more: a machine that is slow for seconds is not dead",
        )
    return seconds


def _text(document: Mapping[str, object], name: str, default: str) -> str:
    value = document.get(name, default)
    if not isinstance(value, str):
        raise UsageError("bad-config", f"{name} is {str(value)[:100]!r}", hint="write text")
    return value
