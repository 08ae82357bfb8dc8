"""The windows of codex's subscription, as codex last kept them in its session files."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..system import files
from ..usage.windows import Seen, of_codex
from . import transcripts
from .streams import events, mapping_at, text_at, time_of

_TAIL = 256 * 1024
_LAST_FILES = 5


def on_disk(environment: Mapping[str, str]) -> Seen | None:
    """None where it kept nothing."""
    for path in transcripts.newest_rollouts(transcripts.codex_home(environment), _LAST_FILES):
        for row in reversed(events(files.read_tail(path, _TAIL))):
            windows = of_codex(mapping_at(row, "payload", "rate_limits"), time_of)
            if windows:
                return Seen(windows, f"{text_at(row, 'timestamp')[:19]}Z", os.path.basename(path))
    return None
