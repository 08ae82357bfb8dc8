"""Telling okstra's own pages from those that a person wrote or edited, so that nobody's words are written over.

Before okstra writes a report's page, the run's events get its digest: a kill between the two leaves a digest of what
never came, which does no harm. What stands at a report's path and has none of these digests is not okstra's. Such a
plan stays the plan, and okstra's stands beside it under the next number; another page is kept beside the new one.

Whether a page is what the report's data gives now is told here as well.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from hashlib import sha256

from ..errors import OkstraError, Unreadable
from ..names import PLANNING
from ..plan.approval import approve, is_approved, unapprove
from ..plan.plans import BESIDE
from ..runs import events as run_events
from ..runs.events import DIGEST, REPORT_WRITTEN, digest_of
from ..runs.find import KnownRun, claim_run
from ..services import Services
from ..status import Word
from ..system import files, foreign_files
from .now import Now

_DIGEST = re.compile(rb'<meta name="okstra-data" content="([0-9a-f]{64})">')
MARKDOWN, HTML = "markdown", "html"
_EVENT = "rendering"


def _freshness_digest(page: bytes) -> bytes | None:
    found = _DIGEST.search(page)
    return found[1] if found else None


def note(run: KnownRun, services: Services, pages: Mapping[str, bytes], now: Now | None = None) -> None:
    """To be called before the pages, by their kinds, are written. `now`: the state of the task that they show."""
    digests = {kind: _digest(run, kind, page) for kind, page in pages.items()}
    shown = {"now": now.to_json()} if now else {}
    run_events.append(run.files, _EVENT, services.clock.now(), run_id=str(run.id), pages=digests, **shown)


def is_own(run: KnownRun, kind: str, found: bytes) -> bool:
    """Whether okstra wrote that. Of runs from before okstra kept digests, what its data gives is its own."""
    noted = [row["pages"] for row in run_events.events_of(run.files) if row.get("event") == _EVENT]
    if noted:
        digest = _digest(run, kind, found)
        return any(pages.get(kind) == digest for pages in noted)
    from .store import pages_of

    try:
        states = {page.kind: page.state for page in pages_of(run)}
    except OkstraError:
        return False
    return states[kind] is PageState.CURRENT or (kind == HTML and states[kind] is PageState.OLDER)


def is_persons_plan(run: KnownRun) -> bool:
    """Whether a plan stands at the report's place that a person wrote, edited or approved."""
    if run.id.task_type != PLANNING:
        return False
    try:
        found = files.read_bytes(run.report_path)
    except Unreadable:  # not okstra's, whatever it is
        return True
    return found is not None and (_is_marked_approved(found) or not is_own(run, MARKDOWN, found))


def note_earlier(run: KnownRun, services: Services) -> None:
    """Before a run from before okstra kept digests gets its first: afterwards nobody could tell any more."""
    if any(row.get("event") == _EVENT for row in run_events.events_of(run.files)):
        return
    places = {MARKDOWN: run.report_path, HTML: run.files.report_html}
    found = {kind: page for kind, path in places.items() if (page := _readable(path)) is not None}
    own = {kind: page for kind, page in found.items() if is_own(run, kind, page)}
    if own:
        note(run, services, own)


def place_beside(run: KnownRun) -> str:
    """A new place for okstra's own plan: that of the task's next planning report."""
    return claim_run(run.project.task(run.id.task), PLANNING).report


def markdown_for(run: KnownRun, markdown: bytes) -> bytes:
    """The page as it is written. A plan that stands beside a person's counts as the task's newest only once it is
    approved, and says so in its front matter."""
    if run.report_path == run.files.report:
        return markdown
    head, _, rest = markdown.partition(b"\n")
    return b"\n".join([head, f"{BESIDE}: {os.path.basename(run.files.report)}".encode(), rest])


def keep_aside(run: KnownRun, kind: str, path: str, page: bytes) -> str:
    """Keeps what a person made of the page that is about to be written; answers where, empty when there is none."""
    found = _readable(path)
    if found is None:
        return foreign_files.set_aside(path) or ""
    if found == page or is_own(run, kind, found):
        return ""
    return _copied(path, found)


def keep_data_aside(run: KnownRun) -> str:
    """Keeps the report's data as a person edited them, before they are written anew; answers where, empty when they
    are as okstra wrote them or took them over from the report writer. Of a run from before okstra kept digests,
    nobody can tell."""
    found = _readable(run.files.report_data)
    events = run_events.events_of(run.files)
    known = {row[DIGEST] for row in events if DIGEST in row}
    # before okstra has written the report, what stands there is what a kill left of a writer's result
    written = any(row.get("event") == REPORT_WRITTEN for row in events)
    if found is None or not written or digest_of(found) in known:
        return ""
    return _copied(run.files.report_data, found)


def _readable(path: str) -> bytes | None:
    try:
        return files.read_bytes(path)
    except Unreadable:
        return None


def _copied(path: str, found: bytes) -> str:
    """Writes the bytes beside the file, over nothing else; answers where they are."""
    number, kept = 1, f"{path}.before-render"
    while (there := files.read_bytes(kept)) != found:
        if there is None:
            files.replace(kept, found)
            break
        number += 1
        kept = f"{path}.before-render-{number}"
    return kept


def _is_marked_approved(page: bytes) -> bool:
    return is_approved(page.decode("utf-8", "replace"))


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
    if _freshness_digest(found) != _freshness_digest(expected):
        return PageState.STALE
    return PageState.CHANGED if same_version else PageState.OLDER


def _unapproved(page: bytes, is_plan: bool) -> bytes:
    return approve(page.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape") if is_plan else page


def _digest(run: KnownRun, kind: str, page: bytes) -> str:
    if kind == MARKDOWN and run.id.task_type == PLANNING:  # approving it makes it nobody else's
        page = unapprove(page.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    return sha256(page).hexdigest()
