"""What git ignores, and adding to it for this clone alone (`info/exclude`)."""

from __future__ import annotations

import os
from collections.abc import Iterable

from .. import git
from ..system import files, processes

_HEADING = "# okstra: links to folders of the main worktree (a pattern that ends in / matches no link)"


def ignored(root: str, paths: Iterable[str]) -> set[str]:
    """Which of the paths, relative to `root`, git ignores there."""
    asked = b"".join(path.encode("utf-8", "surrogateescape") + b"\0" for path in paths)
    if not asked:
        return set()
    command = ["git", "-C", root, "check-ignore", "-z", "--stdin"]
    out = processes.start(command, env=git.environment(), stdin=asked).finish().stdout
    return {name.decode("utf-8", "surrogateescape") for name in out.split(b"\0") if name}


def ignore_in_this_clone(repository: git.Repository, paths: Iterable[str]) -> None:
    """Adds the paths to `info/exclude`. Under the repository lock. Raises WorkFailed (`write-failed`)."""
    path = os.path.join(repository.common_dir, "info", "exclude")
    known = (files.read_bytes(path) or b"").decode("utf-8", "surrogateescape")
    lines = known.split("\n")
    new = [line for line in map(_pattern, paths) if line not in lines]
    if not new:
        return
    text = "".join(f"{line}\n" for line in ([] if _HEADING in lines else [_HEADING]) + new)
    glue = "\n" if known and not known.endswith("\n") else ""
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "ab") as file:
            file.write((glue + text).encode("utf-8", "surrogateescape"))
    except OSError as error:
        files.raise_write_failed(path, error)


def _pattern(path: str) -> str:
    escaped = "".join(f"\\{char}" if char in "\\*?[" else char for char in path)
    return "/" + (escaped[:-1] + "\\ " if escaped.endswith(" ") else escaped)
