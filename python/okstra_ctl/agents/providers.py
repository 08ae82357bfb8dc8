"""Which adapter serves which provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..words.errors import UsageError
from .job import Provider
from .rehearsal import Rehearsal


def provider_named(name: str, options: Mapping[str, Any]) -> Provider:
    """The adapter of a provider; `options` are its settings. Raises UsageError (`unknown-worker`)."""
    if name == "rehearsal":
        return Rehearsal()
    raise UsageError("unknown-worker", f"there is no provider {name!r}")
