"""The phases, from the table that is their one home."""

from __future__ import annotations

from okstra_ctl.settings.phases import phase_table
from okstra_ctl.system import assets

PHASES = phase_table(assets.toml("prompts", "phases.toml")).phases
TASK_TYPES = tuple(PHASES)
