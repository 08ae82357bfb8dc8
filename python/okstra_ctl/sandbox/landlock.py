"""Linux's Landlock, by its system calls: what a process and all that it starts may no longer do.

In front of bubblewrap it handles no right to files, so that mounts stay possible: it closes what namespaces leave open
while the network is shared. Without bubblewrap it is the second choice: files are contained, and nothing can be hidden
below a folder that is shown. Imported by the supervisor between fork and exec: standard library only.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from typing import NamedTuple

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_PATH_BENEATH, _NET_PORT = 1, 2
_PR_SET_NO_NEW_PRIVS = 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_TRUNCATE, _IOCTL = 1 << 14, 1 << 15
_READS = _EXECUTE | _READ_FILE | _READ_DIR
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL  # what a rule on a file may name
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # how many rights to files a version knows
_NEWEST_RIGHTS = 16
_CONNECT_TCP = 2
_SCOPES = 1 | 2  # abstract Unix sockets, signals

NET_VERSION, SCOPE_VERSION = 4, 6


class Restriction(NamedTuple):
    """What to forbid. Empty `readable` and `writable`: files are somebody else's matter. `ports` None: any port."""

    scoped: bool = False
    ports: tuple[int, ...] | None = None
    readable: tuple[bytes, ...] = ()
    writable: tuple[bytes, ...] = ()


FREE = Restriction()


def version() -> int:
    """The kernel's version of Landlock; 0 without it."""
    try:
        return _call(_CREATE_RULESET, None, 0, _VERSION_FLAG)
    except OSError:
        return 0


def restrict(wanted: Restriction) -> None:
    """Restricts this process for good, as far as the kernel can. Raises OSError when files can't be restricted."""
    known = version()
    files = (1 << _RIGHTS.get(known, _NEWEST_RIGHTS)) - 1 if wanted.readable or wanted.writable else 0
    if files and not known:
        raise OSError(38, "this kernel has no Landlock")
    connects = _CONNECT_TCP if wanted.ports is not None and known >= NET_VERSION else 0
    scopes = _SCOPES if wanted.scoped and known >= SCOPE_VERSION else 0
    if not (files or connects or scopes):
        return
    size = 24 if known >= SCOPE_VERSION else 16 if known >= NET_VERSION else 8
    attributes = struct.pack("=QQQ", files, connects, scopes)[:size]
    ruleset = _call(_CREATE_RULESET, attributes, size, 0)
    for path in wanted.readable:
        _allow(ruleset, path, _READS & files)
    for path in wanted.writable:
        _allow(ruleset, path, files)
    for port in (wanted.ports or ()) if connects else ():
        _call(_ADD_RULE, ruleset, _NET_PORT, struct.pack("=QQ", _CONNECT_TCP, port), 0)
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "the process can't give up new privileges")
    _call(_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _allow(ruleset: int, path: bytes, rights: int) -> None:
    """A path that is gone needs no rule."""
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(os.fstat(place).st_mode):
        rights &= _OF_FILES
    _call(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", rights, place), 0)
    os.close(place)


def _call(number: int, *arguments: object) -> int:
    result: int = ctypes.CDLL(None, use_errno=True).syscall(number, *arguments)
    if result < 0:
        failure = ctypes.get_errno()
        raise OSError(failure, os.strerror(failure))
    return result
