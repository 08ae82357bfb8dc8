"""Which worktrees may be removed: a verdict with its proof for each, and in which order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from ..errors import UsageError
from ..status import Word

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


class Verdict(Word):
    """`merged`: its commits are in a branch that remains. `saved`: its own branch has them. `held`: in use."""

    MERGED = "merged"
    SAVED = "saved"
    HELD = "held"
    UNKNOWN = "unknown"


class WorktreeFacts(NamedTuple):
    """What is known of one worktree. `merged_into` names the branch that has its HEAD, or is empty."""

    key: str
    path: str
    exists: bool
    in_use: str
    branch: str
    on_branch: bool
    merged_into: str
    used_at: float
    size: int


class GcDecision(NamedTuple):
    facts: WorktreeFacts
    verdict: Verdict
    proof: str


def judge(facts: WorktreeFacts) -> GcDecision:
    """The verdict on one worktree, and the reason that proves it."""
    if facts.in_use:
        return GcDecision(facts, Verdict.HELD, facts.in_use)
    if not facts.exists:
        return GcDecision(facts, Verdict.UNKNOWN, "its folder is gone: `okstra reconcile` shows what to do")
    if not facts.on_branch:
        return GcDecision(facts, Verdict.UNKNOWN, f"its HEAD is not on {facts.branch}")
    if facts.merged_into:
        return GcDecision(facts, Verdict.MERGED, f"{facts.merged_into} has all its commits")
    return GcDecision(facts, Verdict.SAVED, f"the branch {facts.branch} keeps its commits")


def to_remove(decisions: Sequence[GcDecision], limit: int | None) -> list[GcDecision]:
    """What to remove, oldest first: everything merged; with a limit, then what is saved, until the rest fits."""
    chosen = _oldest_first(decisions, Verdict.MERGED)
    if limit is None:
        return chosen
    total = sum(one.facts.size for one in decisions) - sum(one.facts.size for one in chosen)
    for one in _oldest_first(decisions, Verdict.SAVED):
        if total <= limit:
            break
        chosen.append(one)
        total -= one.facts.size
    return chosen


def parse_size(text: str) -> int:
    """`20G`, `500M`, `0`: bytes, by powers of 1024. Raises UsageError (`usage`)."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?)i?B?", text.strip(), re.IGNORECASE)
    if match is None:
        raise UsageError("usage", f"{text!r} is not a size", where="--max", hint="write a number and K, M, G or T: 20G")
    return int(float(match[1]) * _UNITS[match[2].upper()])


def _oldest_first(decisions: Sequence[GcDecision], verdict: Verdict) -> list[GcDecision]:
    return sorted(
        (one for one in decisions if one.verdict is verdict), key=lambda one: (one.facts.used_at, one.facts.key)
    )
