"""How a report names what okstra itself saw of a finding (reports of earlier versions say nothing of it), and which
findings come first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..results.convergence import AGREED
from ..results.records import FindingClass, FindingSeverity, Mark

AGREED_ON = "agreed-on"
"""Analysts agree on it, and that is all."""
_ORDER = {str(severity): place for place, severity in enumerate(FindingSeverity)}


def mark_word(finding: Mapping[str, Any]) -> str:
    """The word that stands first, of the labels' `word_…`; empty for a finding of an earlier version's report."""
    mark = finding.get("mark", "")
    return AGREED_ON if mark == Mark.NOT_SHOWN and finding["class"] in AGREED else str(mark)


def is_settled(finding: Mapping[str, Any]) -> bool:
    """Closed, or refuted by the other analysts: it is no headline, however grave whoever raised it found it."""
    return bool(finding["status"] == "closed" or finding["class"] == FindingClass.REFUTED)


def in_order(findings: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """What nobody settled first, the gravest first; otherwise as the run numbered them."""
    return sorted(findings, key=lambda one: (is_settled(one), _ORDER.get(one["severity"], len(_ORDER))))
