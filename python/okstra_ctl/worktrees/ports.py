"""The ports of a worktree (`worktreePorts`), tried on this machine: for set-up, workers, checks, a person's shell."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress

from ..claims.ports import as_variables, is_claimed, place_of_checkout, reserve
from ..names import StageKey, TaskKey
from ..paths import ProjectFiles
from ..services import Services
from ..settings.project import port_names

_TAKEN = (errno.EADDRINUSE, errno.EACCES)
_ADDRESSES = (  # each is tried: not every system finds a listener on one of them by the others
    (socket.AF_INET, "0.0.0.0"),
    (socket.AF_INET, "127.0.0.1"),
    (socket.AF_INET6, "::"),
    (socket.AF_INET6, "::1"),
)


def is_free(port: int) -> bool:
    """Whether no program listens there, on any address of this machine. Connections that a server has just closed
    (TIME_WAIT) are in nobody's way: servers bind with SO_REUSEADDR, too."""
    for family, address in _ADDRESSES:
        with suppress(OSError):  # a machine without IPv6
            tried = socket.socket(family, socket.SOCK_STREAM)
            with tried:
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    tried.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                try:
                    tried.bind((address, port))
                except OSError as error:
                    if family == socket.AF_INET6 and error.errno not in _TAKEN:
                        continue
                    return False
    return True


def reserved(place: str, names: Sequence[str], services: Services) -> dict[str, int]:
    """The place's numbers; those that it lacks are reserved. Empty without a claim. Raises WorkFailed, Unreadable."""
    if not names:
        return {}
    doc = services.registry.read()
    had = doc.ports().get(place, {})
    if all(name in had for name in names) and is_claimed(doc, place):
        return {name: had[name] for name in names}
    with services.registry.transaction() as doc:
        return reserve(doc, place, names, is_free)


def reserved_anew(place: str, names: Sequence[str], services: Services) -> tuple[dict[str, int], list[str]]:
    """As `reserved`, before anything of the place has begun: a number that another program took is replaced. Returns
    them with a sentence for each that was."""
    if not names:
        return {}, []
    had = services.registry.read().ports().get(place, {})
    with services.registry.transaction() as doc:
        numbers = reserve(doc, place, names, is_free, anew=True)
    changed = [name for name in numbers if name in had and had[name] != numbers[name]]
    return numbers, [
        f"{name}: another program took {had[name]} meanwhile, it is {numbers[name]} now" for name in changed
    ]


def variables_of(key: TaskKey | StageKey, project_root: str, services: Services) -> dict[str, str]:
    """For programs in the worktree: the project's settings name the variables. Raises UsageError (`bad-config`)."""
    return as_variables(reserved(str(key), port_names(ProjectFiles(project_root).config), services))


def known_variables(place: str, services: Services) -> dict[str, str]:
    """The numbers that the place has, by name; nothing is reserved."""
    return as_variables(services.registry.read().ports().get(place, {}))


def of_checkout(key: TaskKey, name: str, names: Sequence[str], services: Services) -> dict[str, int]:
    return reserved(place_of_checkout(key, name), names, services)


def in_use(variables: Mapping[str, str]) -> list[str]:
    """A sentence for each of the ports on which a program listens now."""
    return [
        f"{name}: a program listens on {number} already; if it is no service of this worktree, end it"
        for name, number in variables.items()
        if not is_free(int(number))
    ]
