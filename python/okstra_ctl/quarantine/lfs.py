"""Objects of git-lfs: they come home when they are what their names say."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from hashlib import sha256

from ..errors import OkstraError
from ..system import files, foreign_files
from .record import Quarantine

_NAME = re.compile(r"[0-9a-f]{64}")
_PART = 1 << 20


def take_lfs(one: Quarantine) -> int:
    """Returns how many were new. Raises WorkFailed (`write-failed`)."""
    taken = 0
    for name, path in _objects(os.path.join(one.git, "lfs", "objects")):
        target = os.path.join(one.common_dir, "lfs", "objects", name[:2], name[2:4], name)
        if not os.path.lexists(target) and _digest(path) == name:
            files.make_folder(os.path.dirname(target))
            try:
                files.replace_in_parts(target, _parts(path), mode=0o444)
            except OkstraError:
                continue
            taken += 1
    return taken


def _objects(folder: str) -> Iterator[tuple[str, str]]:
    if os.path.islink(os.path.dirname(folder)) or os.path.islink(folder):
        return
    for place, _, names in os.walk(folder):
        yield from ((name, os.path.join(place, name)) for name in names if _NAME.fullmatch(name))


def _digest(path: str) -> str:
    found = sha256()
    for part in _parts(path):
        found.update(part)
    return found.hexdigest()


def _parts(path: str) -> Iterator[bytes]:
    """Nothing for what is no regular file."""
    try:
        file = foreign_files.open_plain(path)
    except OkstraError:
        return
    if file is not None:
        with file:
            while part := file.read(_PART):
                yield part
