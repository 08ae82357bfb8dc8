"""A bare repository in okstra's home beside each remote that has claims: what is read goes there, and what is pushed
comes from there. So no ref, setting or `FETCH_HEAD` of the clone changes, and no worker's receipt sees anything.

It borrows the objects of the clones that use the remote (`objects/info/alternates`). Its refs:

- `refs/seen/…`: the last tip that this home saw of each ref, a promise: the remote has to have it for good.
- `refs/reading/<pid>-<random>`: what one read fetched, for milliseconds. Those of dead processes go with the next one.

The network is used outside the lock; changes of refs here are made under it, milliseconds each.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from ..errors import Missing, Unreadable, WorkFailed
from ..git.command import AS_OKSTRA, begin, must, sync_refs, text
from ..git.transport import ALIAS, Place, Settings, over_network, settings_of
from ..home_paths import HomePaths
from ..system import files
from ..system.locks import HeldLock, LockKind, locked
from ..system.processes import Finished
from ..system.secrets import hide
from ..system.text import DocumentError
from .task_document import MOST_BYTES

SECONDS = 60.0
SECONDS_WITH_COMMITS = 900.0
_NOT_THERE = 2  # `git ls-remote --exit-code`
_NOT_ANCESTOR = 1  # `git merge-base --is-ancestor`
_READING, _SEEN = "refs/reading", "refs/seen"
_QUIET = ("--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules")
_FETCH = ("-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "fetch.writeCommitGraph=false", "fetch", "--quiet")


class Tree(NamedTuple):
    """The files of a commit, and their ids."""

    data: Mapping[str, bytes]
    ids: Mapping[str, str]


class Sight(NamedTuple):
    """What a read found: the ref's tip, and what this home had seen before it asked; empty for none."""

    tip: str
    before: str
    follows: bool
    """Whether the tip is what was seen before, or came after it."""


class SideRepository:
    """Made by `open_side`."""

    def __init__(self, home: HomePaths, place: Place, digest: str) -> None:
        self.place = place
        self.path = home.side_repository(digest)
        self.watched = home.watched_claims(digest)
        self.lock = home.remote_lock(digest)
        self._settings: Settings | None = None

    def read(self, ref: str) -> Sight:
        """Fetches the ref. Raises Missing (`remote-unreachable`), Unreadable (`remote-unreadable`)."""
        before = self.seen(ref)
        reading = f"{_READING}/{os.getpid()}-{secrets.token_hex(8)}"
        fetched = self._fetch(ref, reading)
        if fetched.status < 0:  # out of time
            raise self.unreachable(fetched, "read")
        if not fetched.ok and self._is_absent(ref):
            return Sight("", before, not before)
        tip = self._commit(reading) if fetched.ok else ""
        follows = self._follows(tip, before)
        if not fetched.ok or follows is None:  # made just now; or objects are gone with the clone that lent them
            fetched = self._fetch(ref, reading, *(("--refetch",) if self._lacks_objects(tip or before) else ()))
            tip, follows = self._commit(reading), None
        if not fetched.ok:
            raise self.unreachable(fetched, "read")
        follows = bool(tip) and self.is_descendant(tip, before) if follows is None else follows
        self._settle(ref, tip if follows else "", before, reading)
        if not tip:
            raise self.unreadable(ref, "it names no commit")
        return Sight(tip, before, follows)

    def seen(self, ref: str) -> str:
        """The last tip that this home saw; empty for none."""
        return self._commit(_seen_ref(ref))

    def keep_seen(self, ref: str, tip: str, before: str) -> None:
        """After a push: the remote has `tip`, which follows from `before`."""
        self._settle(ref, tip, before, "")

    def forget(self, ref: str) -> str:
        """As if it had never been seen; returns what was. Only for refs that hold no claim."""
        last = self.seen(ref)
        if last:
            with locked(LockKind.REPOSITORY, self.lock) as held:
                self._update_refs([f"delete {_seen_ref(ref)}"], held)
        return last

    def all_seen(self) -> dict[str, str]:
        """The last tip of each ref that this home ever saw. Asks nobody."""
        out = text(self._must("for-each-ref", "--format=%(refname) %(objectname)", _SEEN))
        pairs = (line.split(" ") for line in out.splitlines())
        return {f"refs/{name.removeprefix(_SEEN + '/')}": tip for name, tip in pairs}

    def has(self, commit: str) -> bool:
        return bool(self._commit(commit))

    def is_descendant(self, tip: str, of: str) -> bool:
        """Raises WorkFailed (`git-failed`) when objects are missing."""
        if tip == of or not of:
            return True
        answer = self._git("merge-base", "--is-ancestor", of, tip)
        if answer.status != _NOT_ANCESTOR:
            must(answer, "compare what was read of the remote")
        return answer.ok

    def own_among(self, tip: str, commits: Sequence[str], *, since: str) -> bool:
        """Whether one of the commits is in the first-parent history from `since` to `tip`."""
        if not tip or not commits:
            return False
        words = ("rev-list", "--first-parent", tip, *((f"^{since}",) if since else ()))
        return not set(commits).isdisjoint(text(self._must(*words)).split())

    def tree(self, commit: str) -> Tree:
        """Its files. Raises DocumentError for what no commit of okstra has, before anything large is read."""
        ids = {}
        for entry in self._must("ls-tree", "-l", "-z", commit).split(b"\0")[:-1]:
            fields, _, name = text(entry).partition("\t")
            mode, kind, blob, size = fields.split()
            if (mode, kind) != ("100644", "blob") or name not in MOST_BYTES:
                raise DocumentError(f"it has {name[:100]!r}, which this okstra does not know")
            if int(size) > MOST_BYTES[name]:
                raise DocumentError(f"{name} is larger than {MOST_BYTES[name]} bytes")
            ids[name] = blob
        return Tree(dict(zip(ids, self._blobs(list(ids.values())), strict=True)), ids)

    def write(self, data: Mapping[str, bytes], before: Tree | None, parents: Sequence[str], message: str) -> str:
        """A commit with these files; nobody is asked, and nothing is pushed."""
        return self.write_whole(data, before, parents, message)[0]

    def write_whole(
        self, data: Mapping[str, bytes], before: Tree | None, parents: Sequence[str], message: str
    ) -> tuple[str, Tree]:
        """As `write`; and its tree."""
        ids = {
            name: before.ids[name] if before and before.data.get(name) == content else self._blob(content)
            for name, content in data.items()
        }
        listing = "".join(f"100644 blob {blob}\t{name}\n" for name, blob in sorted(ids.items())).encode()
        tree = text(self._must("mktree", stdin=listing)).strip()
        above = [word for parent in parents for word in ("-p", parent)]
        words = ("commit-tree", "--no-gpg-sign", tree, *above, "-F", "-")
        return text(self._must(*words, stdin=message.encode(), extra=AS_OKSTRA)).strip(), Tree(dict(data), ids)

    def push(self, ref: str, new: str, old: str, *, with_commits: bool = False) -> Finished:
        """Moves the ref from `old` to `new`, each empty for none, if it is still at `old`; ok: the remote has it so."""
        return self._over_network(
            "push", "--porcelain", "--no-verify", "--no-signed", "--no-follow-tags", "--recurse-submodules=no",
            f"--force-with-lease={ref}:{old}", ALIAS, f"{new}:{ref}", with_commits=with_commits,
        )  # fmt: skip

    def unreachable(self, finished: Finished, doing: str) -> Missing:
        words = "it did not answer in time" if finished.status < 0 else self.words_of(finished)
        return Missing(
            "remote-unreachable",
            f"the remote {self.place.name} could not be {doing}: {words}",
            where=self.place.shown,
            hint="check the network and your login: okstra remote check says what works; then try again",
        )

    def unreadable(self, ref: str, what: object) -> Unreadable:
        return Unreadable(
            "remote-unreadable",
            f"what the remote {self.place.name} has for the task can't be read: {what}",
            where=f"{self.place.shown} {ref}",
            hint="use the newest okstra of those that work on it; git log of that ref shows who wrote what",
        )

    def words_of(self, finished: Finished) -> str:
        """git's own words, without logins."""
        return hide(self.place.without_login(finished.complaint))[0] or f"git ended with status {finished.status}"

    def _fetch(self, ref: str, reading: str, *more: str) -> Finished:
        return self._over_network(*_FETCH, *_QUIET, *more, ALIAS, f"+{ref}:{reading}")

    def _is_absent(self, ref: str) -> bool:
        """Raises Missing (`remote-unreachable`)."""
        listed = self._over_network("ls-remote", "--exit-code", ALIAS, ref)
        if not listed.ok and listed.status != _NOT_THERE:
            raise self.unreachable(listed, "read")
        return not listed.ok

    def _follows(self, tip: str, before: str) -> bool | None:
        """As `is_descendant`; None where git can't say: for commits that it lacks its answer may also be no."""
        if tip == before or not (tip and before):
            return True
        if self._git("merge-base", "--is-ancestor", before, tip).ok:
            return True
        return None if self._lacks_objects(tip) else False

    def _lacks_objects(self, tip: str) -> bool:
        """Whether a commit that was published from a clone is gone with it, or was pruned there."""
        if not tip:
            return False
        parents = self._must("rev-list", "--first-parent", "--format=%P", "--no-commit-header", tip)
        found = self._must("cat-file", "--batch-check", stdin=b"\n".join(sorted(set(parents.split()))) + b"\n")
        return any(line.endswith(b" missing") for line in found.splitlines())

    def _settle(self, ref: str, tip: str, before: str, reading: str) -> None:
        """Notes a tip that follows from `before`, unless another process has seen more meanwhile; ends the reading."""
        wanted = tip and tip != before
        with locked(LockKind.REPOSITORY, self.lock) as held:
            ended = [f"delete {one}" for one in (*self._left_readings(), *([reading] if reading else []))]
            noted = f"update {_seen_ref(ref)} {tip}"
            # With what it has to stand at, git compares by itself: one process less, where nobody was in between.
            if wanted and self._try_update([*ended, f"{noted} {before or '0' * len(tip)}"], held).ok:
                return
            now = self.seen(ref) if wanted else ""
            if wanted and now != tip and (now in ("", before) or self.is_descendant(tip, now)):
                ended.append(noted)
            if ended:
                self._update_refs(ended, held)

    def _left_readings(self) -> list[str]:
        names = files.names_in(os.path.join(self.path, _READING))
        return [f"{_READING}/{name}" for name in names if not name.endswith(".lock") and not _lives(name)]

    def _update_refs(self, orders: Sequence[str], held: HeldLock) -> None:
        """Under the lock, whose fence waits for git of dead processes too: so a lock among the refs is nobody's."""
        if self._try_update(orders, held).ok:
            return
        for folder, _, names in os.walk(os.path.join(self.path, "refs")):
            for name in names:
                if name.endswith(".lock") and not (folder.endswith(_READING) and _lives(name)):
                    files.discard(os.path.join(folder, name))
        files.discard(os.path.join(self.path, "packed-refs.lock"))
        must(self._try_update(orders, held), "note what was seen of the remote")

    def _try_update(self, orders: Sequence[str], held: HeldLock) -> Finished:
        """All of the orders, or none."""
        given = "".join(f"{order}\n" for order in orders).encode()
        words = (*sync_refs(), "update-ref", "--no-deref", "--stdin")
        return begin(self.path, "--git-dir=.", *words, keep_open=held.keep_open, stdin=given).finish()

    def _commit(self, name: str) -> str:
        return text(self._git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").stdout).strip()

    def _blob(self, content: bytes) -> str:
        return text(self._must("hash-object", "-w", "--stdin", stdin=content)).strip()

    def _blobs(self, ids: Sequence[str]) -> list[bytes]:
        out = self._must("cat-file", "--batch", stdin="".join(f"{blob}\n" for blob in ids).encode())
        found, at = [], 0
        for _ in ids:
            header, _, _ = out[at:].partition(b"\n")
            begin_at, size = at + len(header) + 1, int(header.split()[-1])
            found.append(out[begin_at : begin_at + size])
            at = begin_at + size + 1
        return found

    def _git(self, *args: str, stdin: bytes | None = None, extra: Mapping[str, str] | None = None) -> Finished:
        return begin(self.path, "--git-dir=.", *args, stdin=stdin, extra=dict(extra or {})).finish()

    def _must(self, *args: str, stdin: bytes | None = None, extra: Mapping[str, str] | None = None) -> bytes:
        return must(self._git(*args, stdin=stdin, extra=extra), "work on what was read of the remote")

    def _over_network(self, *args: str, with_commits: bool = False) -> Finished:
        if self._settings is None:
            self._settings = settings_of(self.place, self.path)
        seconds = SECONDS_WITH_COMMITS if with_commits else SECONDS
        return over_network(self.path, "--git-dir=.", *args, settings=self._settings, seconds=seconds)


def known_side(home: HomePaths, place: Place) -> SideRepository | None:
    """None where nothing was ever read of that remote. Writes nothing, and asks nobody."""
    side = _side(home, place)
    return side if os.path.isdir(side.path) else None


def open_side(home: HomePaths, place: Place) -> SideRepository:
    """Makes it if it is not there; the clone is among those that it borrows objects from. Asks no remote."""
    side = _side(home, place)
    lenders = _lenders(side)
    if place.objects not in lenders or any(not os.path.isdir(one) for one in lenders):
        with locked(LockKind.REPOSITORY, side.lock) as held:
            if not os.path.isdir(side.path):
                _make(side, held)
            lenders = [one for one in _lenders(side) if os.path.isdir(one) and one != place.objects]
            data = "".join(f"{one}\n" for one in (*lenders, place.objects))
            files.replace(_alternates(side), data.encode("utf-8", "surrogateescape"))
    return side


def _side(home: HomePaths, place: Place) -> SideRepository:
    digest = sha256(f"{place.object_format}\n{place.url}".encode("utf-8", "surrogateescape")).hexdigest()[:20]
    return SideRepository(home, place, digest)


def _make(side: SideRepository, held: HeldLock) -> None:
    """In a folder beside it, which takes its place once it is whole. A killed one is begun anew."""
    unfinished = f"{side.path}.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    words = ("init", "--quiet", "--bare", "--template=", f"--object-format={side.place.object_format}", unfinished)
    must(begin(os.path.dirname(side.path), *words, keep_open=held.keep_open).finish(), "make a repository")
    files.make_folder(os.path.join(unfinished, "objects", "info"))
    try:
        os.rename(unfinished, side.path)
    except OSError as error:
        raise WorkFailed("write-failed", f"it can't be made: {error.strerror}", where=side.path) from error


def _alternates(side: SideRepository) -> str:
    return os.path.join(side.path, "objects", "info", "alternates")


def _lenders(side: SideRepository) -> list[str]:
    return text(files.read_bytes(_alternates(side)) or b"").splitlines()


def _seen_ref(ref: str) -> str:
    return f"{_SEEN}/{ref.removeprefix('refs/')}"


def _lives(name: str) -> bool:
    """Whether the process lives that a reading is named by."""
    pid = name.partition("-")[0]
    try:
        os.kill(int(pid) if pid.isdigit() else 0, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return pid.isdigit()
