"""Many files of one commit, through one git process."""

from __future__ import annotations

from ...words.errors import WorkFailed
from ...words.hints import Iterator, Mapping, Sequence
from .command import begin, git, must, text


def blobs_at(root: str, commit: str, paths: Sequence[str], *, largest: int) -> dict[str, bytes | None]:
    """The files' bytes by path. What is no file at that commit is left out; what is larger than `largest` is None."""
    names = [f"{commit}:{path}" for path in paths]
    sizes = dict(_sizes(root, names))
    wanted = [(path, name) for path, name in zip(paths, names, strict=True) if sizes.get(name, -1) >= 0]
    small = [(path, name) for path, name in wanted if sizes[name] <= largest]
    found: dict[str, bytes | None] = {path: None for path, name in wanted if sizes[name] > largest}
    contents = _contents(root, [name for _, name in small])
    found.update({path: data for (path, _), data in zip(small, contents, strict=True)})
    return found


def kinds_at(root: str, commit: str) -> Mapping[str, bool]:
    """Every path of a commit; True for a submodule."""
    out = must(git(root, "ls-tree", "-r", "-z", commit, ask=True), "list the commit's files")
    entries = [entry.partition(b"\t") for entry in out.split(b"\0") if entry]
    return {text(name): mode.startswith(b"160000") for mode, _, name in entries}


def _sizes(root: str, names: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Name and size; -1 for what is no file."""
    out = _batch(root, "--batch-check=%(objecttype) %(objectsize)", names)
    for name, line in zip(names, out.split(b"\n"), strict=False):
        kind, _, size = line.rpartition(b" ")
        yield name, int(size) if kind == b"blob" and size.isdigit() else -1


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
