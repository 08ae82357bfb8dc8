"""The ports of worktrees: numbers that belong to one worktree of this home, as long as that has its claim.

A worktree's place is named by the key of its task or stage; one of okstra's own checkouts by its task and its name.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping, Sequence

from ..errors import OkstraError, WorkFailed
from ..names import StageKey, TaskKey
from ..status import ClaimStatus
from .registry_document import RegistryDoc

PORTS = range(20_000, 30_000)  # below those that systems give to connections on their own
MOST_NAMES = 16
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
# Variables that decide what runs, or where: a port's number in one of them would break programs far from any port.
_REFUSED_TEXT = """
    PATH HOME USER LOGNAME SHELL PWD OLDPWD IFS ENV CDPATH TERM LANG TZ TMPDIR TMP TEMP EDITOR VISUAL PAGER BROWSER
    HOSTNAME UID EUID PPID MAKEFLAGS PERL5LIB PERL5OPT RUBYLIB RUBYOPT CLASSPATH JAVA_HOME JAVA_TOOL_OPTIONS
    JDK_JAVA_OPTIONS NODE_OPTIONS NODE_PATH NODE_ENV SSH_AUTH_SOCK CC CXX CFLAGS LDFLAGS
"""
_REFUSED = frozenset(_REFUSED_TEXT.split())
_REFUSED_STARTS = ("LD_", "DYLD_", "GIT_", "OKSTRA_", "PYTHON", "BASH_", "LC_", "XDG_", "CLAUDE", "CODEX", "GEMINI")
_CHECKOUT = "#checkout-"


def bad_name(name: object) -> str:
    """Why a variable can't hold a port; empty when it can."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return f"{name!r} is not the name of a variable"
    if name.upper() in _REFUSED or name.upper().startswith(_REFUSED_STARTS):
        return f"{name} decides what programs run or do; choose a name like PORT or DB_PORT"
    return ""


def place_of_checkout(key: TaskKey, name: str) -> str:
    return f"{key}{_CHECKOUT}{name}"


def reserve(
    doc: RegistryDoc, place: str, names: Sequence[str], is_free: Callable[[int], bool], *, anew: bool = False
) -> dict[str, int]:
    """The numbers of the place, by name; those that it lacks are reserved. Empty where nothing claims the place.

    Within the registry's transaction, so that no number is given twice. `is_free` tries a number on the machine.
    `anew`: nothing uses the place's numbers yet, so one that somebody else took meanwhile is replaced.
    Raises WorkFailed (`no-port-free`), Unreadable.
    """
    drop_dead(doc)
    if not names or not is_claimed(doc, place):
        return {}
    had = doc.ports().get(place, {})
    kept = {name: number for name, number in had.items() if not anew or name not in names or is_free(number)}
    taken = {number for numbers in doc.ports().values() for number in numbers.values()}
    candidates = iter(_from(place))
    for name in names:
        if name not in kept:
            number = next((one for one in candidates if one not in taken and is_free(one)), None)
            if number is None:
                raise WorkFailed(
                    "no-port-free",
                    f"no port from {PORTS[0]} to {PORTS[-1]} is free for {name}",
                    where=place,
                    hint="`okstra worktree list` shows what worktrees have; remove some, or end what listens there",
                )
            kept[name] = number
    if kept != had:
        doc.put_ports(place, kept)
    return {name: kept[name] for name in names}


def drop_dead(doc: RegistryDoc) -> None:
    """Frees the numbers of places that nothing claims any more."""
    for place in [place for place in doc.ports() if not is_claimed(doc, place)]:
        doc.remove_ports(place)


def is_claimed(doc: RegistryDoc, place: str) -> bool:
    """Whether there may be a worktree: a task's that was removed keeps its claim as long as it has stages."""
    task, _, checkout = place.partition(_CHECKOUT)
    try:
        if checkout:
            return doc.task(TaskKey.parse(task)) is not None
        if "#" in place:
            return doc.stage(StageKey.parse(place)) is not None
        claim = doc.task(TaskKey.parse(place))
    except OkstraError:  # a damaged claim is there, and its place may be
        return True
    return claim is not None and claim.status is not ClaimStatus.DONE


def as_variables(numbers: Mapping[str, int]) -> dict[str, str]:
    return {name: str(number) for name, number in numbers.items()}


def _from(place: str) -> list[int]:
    """All numbers, from one that depends on the place: two homes of one machine seldom ask for the same."""
    start = zlib.crc32(place.encode("utf-8", "surrogateescape")) % len(PORTS)
    return [*PORTS[start:], *PORTS[:start]]
