"""How a report names what okstra itself saw of a finding. Reports of earlier versions say nothing of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..results.records import FindingClass, Mark

_AGREED = (FindingClass.CONSENSUS, FindingClass.MAJORITY)
AGREED_ON = "agreed-on"
"""Analysts agree on it, and that is all."""


def mark_word(finding: Mapping[str, Any]) -> str:
    """The word that stands first, of the labels' `word_…`; empty for a finding of an earlier version's report."""
    mark = finding.get("mark", "")
    return AGREED_ON if mark == Mark.NOT_SHOWN and finding["class"] in _AGREED else str(mark)
