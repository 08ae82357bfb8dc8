"""Bringing objects home: the real repository packs what is new, and takes it in again with every check.

The quarantine's objects are looked at as those of another repository (GIT_ALTERNATE_OBJECT_DIRECTORIES), without what a
worker could have put beside them: links, alternates of their own, graphs and indexes that git would believe.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from ..errors import WorkFailed
from ..git.command import begin, environment, git
from ..system import files, processes
from .copies import without_links
from .object_folders import listed
from .record import Quarantine

REFUSED = "quarantine-refused"
_PLAIN = ("-c", "core.commitGraph=false", "-c", "core.multiPackIndex=false", "-c", "protocol.allow=never")
_CALM = ("-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "advice.graftFileDeprecated=false")
_BELIEVED = ("alternates", "http-alternates", "commit-graph", "commit-graphs")


class ObjectView:
    """The real repository, with the quarantine's objects in sight."""

    def __init__(self, one: Quarantine) -> None:
        """Raises WorkFailed (`quarantine-refused`) when there is no plain folder of objects."""
        self._one = one
        objects = os.path.join(one.git, "objects")
        if not without_links(objects):
            raise refused(one, "its folder of objects is gone, or a link")
        for name in _BELIEVED:
            files.discard(os.path.join(objects, "info", name))
        self._seen = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": listed(objects)}
        self._partial = git(one.common_dir, "config", "extensions.partialClone", read_only=True).ok

    def is_commit(self, commit: str) -> bool:
        return self._ask("cat-file", "-t", commit).stdout.strip() == b"commit"

    def descends(self, commit: str, old: str) -> bool:
        return self._ask("merge-base", "--is-ancestor", old, commit).ok

    def new_among(self, commits: Sequence[str], known: Sequence[str]) -> list[str]:
        """Those of the commits that no ref of the real repository has, nor any of `known`."""
        return [
            commit
            for commit in dict.fromkeys(commits)
            if self.is_commit(commit)
            and self._ask("rev-list", "-n1", commit, "--not", "--all", *known).stdout.strip() != b""
        ]

    def bring(self, tips: Sequence[str]) -> None:
        """Takes the commits in. Raises WorkFailed (`quarantine-refused`)."""
        allowed = ("--missing=allow-promisor",) if self._partial else ()
        wanted = "".join(f"{tip}\n" for tip in tips) + f"^{self._one.old}\n"
        pack = ("pack-objects", "--revs", "--stdout", "--thin", "--delta-base-offset", "-q", *allowed)
        take = ("index-pack", "--stdin", "--fix-thin", "--strict")
        where = ["git", "-C", self._one.common_dir, *_PLAIN, *_CALM]
        taken = processes.piped(
            [*where, *pack],
            [*where, *take, *(("--promisor",) if self._partial else ())],
            first_env={**environment(), **self._seen},
            second_env=environment(),
            stdin=wanted.encode(),
        )
        if not taken.ok:
            raise refused(self._one, f"git does not take its objects: {taken.complaint}")
        linked = git(
            self._one.common_dir,
            *(*_PLAIN, "rev-list", "--objects", "--quiet", *allowed, *tips, "--not", self._one.old),
            read_only=True,
        )
        if not linked.ok:
            raise refused(self._one, f"some of its objects are missing: {linked.complaint}")

    def _ask(self, *words: str) -> processes.Finished:
        return begin(self._one.common_dir, *_PLAIN, *words, read_only=True, extra=self._seen).finish()


def refused(one: Quarantine, why: str) -> WorkFailed:
    return WorkFailed(
        REFUSED,
        f"the commits of {one.worker} could not be taken home: {why}",
        where=one.folder,
        hint="the repository is unchanged, and what the worker left stays there; `okstra resume` asks it anew",
    )


def stems_from(one: Quarantine, commit: str) -> bool:
    """Whether the commit descends from the old one, by the real repository's objects alone."""
    words = ("merge-base", "--is-ancestor", one.old, commit)
    return git(one.common_dir, *_PLAIN, *words, read_only=True).ok
