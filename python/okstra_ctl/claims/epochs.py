"""The epoch of a stage: how often it was claimed. Each claim gets one that is higher than any before."""

from __future__ import annotations

from ..names import StageKey
from . import ledger_file
from .registry_document import RegistryDoc


def next_epoch(doc: RegistryDoc, key: StageKey, plan: str) -> int:
    """One higher than any that the stage ever had, by the registry and by the ledger.

    Each may know of one that the other does not: a registry that was rebuilt or brought back from a backup, a ledger
    that came with the project's files.
    """
    task, claim = doc.task(key.task), doc.stage(key)
    remembered = task.epochs.get(key.stage, 0) if task else 0
    ledger = ledger_file.ledger_path(plan)
    written = ledger_file.highest_epoch(ledger, task_key=str(key.task), stage=key.stage)
    return 1 + max(remembered, claim.epoch if claim else 0, written)
