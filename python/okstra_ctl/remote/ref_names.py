"""The names of refs on the remote: `<namespace>/<project>/<group>/<id>`, always of that depth, so that no task's ref
stands in the way of another's. What git forbids in a ref, and what is not ASCII, is written as `%` and two hex
digits."""

from __future__ import annotations

import re

from ..errors import UsageError
from ..names import TaskKey

_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.")
_ESCAPED = re.compile(r"%([0-9a-f]{2})")
_LONGEST = 200  # bytes: a file's name may have 255, and git adds `.lock`
_SCRATCH = "%check"  # no escape: two hex digits don't follow


def task_ref(namespace: str, key: TaskKey) -> str:
    """Raises UsageError (`bad-identity`) when a part of the key is too long for a ref."""
    return "/".join([namespace, *map(_escaped, key)])


def scratch_ref(namespace: str, machine: str, word: str) -> str:
    """A ref that no task can have, for `okstra remote check`."""
    return "/".join([namespace, _SCRATCH, machine, word])


def key_of(namespace: str, ref: str) -> TaskKey | None:
    """The task whose ref that is; None for any other."""
    parts = ref.removeprefix(f"{namespace}/").split("/")
    if not ref.startswith(f"{namespace}/") or len(parts) != 3:
        return None
    try:
        key = TaskKey.make(*(_read(part) for part in parts))
        return key if task_ref(namespace, key) == ref else None
    except (UsageError, UnicodeDecodeError):
        return None


def _escaped(part: str) -> str:
    raw = part.encode("utf-8", "surrogateescape")
    name = "".join(chr(byte) if byte in _PLAIN else f"%{byte:02x}" for byte in raw)
    name = re.sub(r"^\.|\.(?=\.)|\.$|\.(?=lock$)", "%2e", name)
    if not name or len(name) > _LONGEST:
        raise UsageError("bad-identity", f"{part[:40]!r} is too long for the name of a ref", hint="a shorter name")
    return name


def _read(name: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), name).encode("latin-1").decode("utf-8")
