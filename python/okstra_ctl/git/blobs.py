"""Many files of one commit, through two git processes however many they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ..errors import WorkFailed
from .command import begin, git, must, text

_BLOB = "%(objecttype) %(objectname) %(objectsize)"


class _Blob(NamedTuple):
    id: str
    size: int


def blobs_at(root: str, commit: str, paths: Sequence[str], *, largest: int) -> dict[str, bytes | None]:
    """The files' bytes by path. What is no file at that commit is left out; what is larger than `largest` is None."""
    blobs = _look_up(root, commit, [path for path in paths if "\n" not in path])
    for path in paths:
        if "\n" in path:  # asked for alone: of what is not there git repeats the name, and its answers are a line each
            blobs.update(_look_up(root, commit, [path]))
    small = [path for path, blob in blobs.items() if blob.size <= largest]
    found: dict[str, bytes | None] = dict.fromkeys(blobs)
    # By their ids: finding each in the commit's trees again takes git as long as reading it.
    found.update(zip(small, _contents(root, [blobs[path].id for path in small]), strict=True))
    return found


def kinds_at(root: str, commit: str) -> Mapping[str, bool]:
    """Every path of a commit; True for a submodule."""
    out = must(git(root, "ls-tree", "-r", "-z", commit, ask=True), "list the commit's files")
    entries = [entry.partition(b"\t") for entry in out.split(b"\0") if entry]
    return {text(name): mode.startswith(b"160000") for mode, _, name in entries}


def _look_up(root: str, commit: str, paths: Sequence[str]) -> dict[str, _Blob]:
    """Those of the paths that are files, in their order."""
    names = [f"{commit}:{path}" for path in paths]
    found = {}
    for path, line in zip(paths, _batch(root, f"--batch-check={_BLOB}", names).split(b"\n"), strict=False):
        kind, _, rest = line.partition(b" ")
        blob, _, size = rest.partition(b" ")
        if kind == b"blob" and size.isdigit():
            found[path] = _Blob(blob.decode("ascii"), int(size))
    return found


def _contents(root: str, names: Sequence[str]) -> Iterator[bytes]:
    if not names:
        return
    out = _batch(root, "--batch=%(objectsize)", names)
    position = 0
    for _ in names:
        end = out.index(b"\n", position)
        size = int(out[position:end])
        yield out[end + 1 : end + 1 + size]
        position = end + 1 + size + 1


def _batch(root: str, form: str, names: Sequence[str]) -> bytes:
    stdin = b"".join(name.encode("utf-8", "surrogateescape") + b"\0" for name in names)
    finished = begin(root, "cat-file", form, "-z", "--buffer", stdin=stdin, ask=True).finish()
    if not finished.ok:
        raise WorkFailed("git-failed", f"git could not read the commit: {finished.complaint}", where=root)
    return finished.stdout
