"""Integrating a task that machines share: one of them merges at a time, and goes on from what the others merged.

The right to merge is a claim at the remote. Killed while it has it, a machine takes it again at once; others wait for
it, or a person says `okstra integrate --force`. Two that merged all the same do no harm: the next merge joins both.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from .. import git
from ..errors import OkstraError, Refused
from ..git import merge
from ..names import TaskKey
from ..quoting import okstra_command, quote
from ..services import Services
from ..sharing.joining import sharing_of
from ..sharing.signs_of_life import signs_of_life
from .select import DoneStage

if TYPE_CHECKING:
    from ..sharing.claims import SharedClaims


class Right:
    """The right to merge. `head` is the task branch as another machine, or this one, published it last; or empty."""

    def __init__(self, sharing: SharedClaims, token: str, head: str) -> None:
        self._sharing, self._token, self.head = sharing, token, head
        self.ended = False

    def start(self, repository: git.Repository, task: str, head: str, done: Sequence[DoneStage]) -> str:
        """Where to merge on from: the task branch here, with what other machines merged. The commits of all done stages
        are in the clone afterwards.

        Raises Refused (`merge-conflict`), WorkFailed.
        """
        self._sharing.bring(repository, self.head, *(one.commit for one in done))
        if not self.head or git.is_ancestor(task, self.head, head):
            return head
        if git.is_ancestor(task, head, self.head):
            return self.head
        merged = merge.merge_tree(task, head, self.head)
        if merged.conflicts:
            paths = list(merged.conflicts)
            raise Refused(
                "merge-conflict",
                f"what another machine merged conflicts with the task branch here in {', '.join(paths[:5])}",
                where=task,
                hint=f"nothing was merged; merge it by hand: git -C {quote(task)} merge {self.head[:12]}",
                data={"stage": 0, "paths": paths},
            )
        return merge.commit_merge(
            task, merged.tree, [head, self.head], f"Merge what was integrated of {self._sharing.key}"
        )

    def publish(self, head: str) -> str:
        """Lets other machines have the task branch at that commit; returns a warning when that failed."""
        self.ended = True
        if head == self.head:
            return self.end()
        try:
            self._sharing.end_integration(self._token, head)
        except OkstraError as error:
            again = okstra_command("integrate", self._sharing.key)
            return f"other machines don't have the merge yet: {error.message}; {again} publishes it"
        return ""

    def end(self) -> str:
        """Gives the right back; returns a warning when that failed."""
        self.ended = True
        try:
            self._sharing.end_integration(self._token)
        except OkstraError as error:
            return f"other machines may have to wait for this one's next integration: {error.message}"
        return ""


@contextlib.contextmanager
def integrating(root: str, key: TaskKey, services: Services, *, force: bool) -> Iterator[Right | None]:
    """With the right to merge; None where the task is not shared. Raises Refused (`integration-taken`), and what
    `SharedClaims` raises."""
    sharing = sharing_of(root, key, services)
    if sharing is None:
        yield None
        return
    token = sharing.new_token()
    right = Right(sharing, token, sharing.begin_integration(token, force=force))
    try:
        with signs_of_life(partial(sharing.beat_integration, token), sharing.seconds_between_beats):
            yield right
    finally:
        if not right.ended:
            right.end()
