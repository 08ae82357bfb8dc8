"""Whether a report's pages are what its data gives now."""

from __future__ import annotations

import re

from ..plan.approval import approve
from ..status import Word

_DIGEST = re.compile(rb'<meta name="okstra-data" content="([0-9a-f]{64})">')


class PageState(Word):
    """`stale` was made from other data; `changed` from the same, and changed since; `older` from the same, by another
    version of okstra, so that nobody can tell."""

    CURRENT = "current"
    OLDER = "older"
    STALE = "stale"
    CHANGED = "changed"
    MISSING = "missing"

    @property
    def good(self) -> bool:
        return self in (PageState.CURRENT, PageState.OLDER)


def markdown_state(found: bytes | None, expected: bytes, *, is_plan: bool, same_version: bool) -> PageState:
    """A plan that was approved since is the same plan."""
    if found is None:
        return PageState.MISSING
    if _unapproved(found, is_plan) == _unapproved(expected, is_plan):
        return PageState.CURRENT
    return PageState.CHANGED if same_version else PageState.OLDER


def html_state(found: bytes | None, expected: bytes, *, same_version: bool) -> PageState:
    if found is None:
        return PageState.MISSING
    if found == expected:
        return PageState.CURRENT
    if _digest(found) != _digest(expected):
        return PageState.STALE
    return PageState.CHANGED if same_version else PageState.OLDER


def _unapproved(page: bytes, is_plan: bool) -> bytes:
    return approve(page.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape") if is_plan else page


def _digest(page: bytes) -> bytes | None:
    found = _DIGEST.search(page)
    return found[1] if found else None
