"""The private copy of what an agent of the Agent Client Protocol gets of the home: files and folders by their names.

Of it a refreshed login comes home, as with every client (`client_state`); nothing else does.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from typing import NamedTuple

from ..errors import WorkFailed
from ..system import files
from ..system.process_identity import this_process
from .client_state import MOST_SETTINGS, RECORD, SCHEMA, ClientState, plain, take_home
from .profile import Bind, is_within

_MOST = 64 * 1024 * 1024
_COPY = "home"
# Folders of the home that a variable may have moved elsewhere.
_MOVED = {
    "XDG_CONFIG_HOME": ".config",
    "XDG_DATA_HOME": ".local/share",
    "XDG_STATE_HOME": ".local/state",
    "XDG_CACHE_HOME": ".cache",
    "CLAUDE_CONFIG_DIR": ".claude",
    "CODEX_HOME": ".codex",
}


class AgentFiles(NamedTuple):
    """Paths below the home; one with a / at its end is a whole folder. `program` is what is started, `scripts` are
    the files that its command line names."""

    program: str
    state: tuple[str, ...]
    logins: tuple[str, ...]
    scripts: tuple[str, ...] = ()


@contextmanager
def agent_state(name: str, wanted: AgentFiles, folder: str, environment: Mapping[str, str]) -> Iterator[ClientState]:
    """The copy is in `folder`, which belongs to one dispatch and is gone afterwards. Raises WorkFailed when it can't be
    made."""
    try:
        yield _made(name, wanted, folder, environment)
    finally:
        take_home(folder)


def _made(name: str, wanted: AgentFiles, folder: str, environment: Mapping[str, str]) -> ClientState:
    copy, home = os.path.join(folder, _COPY), os.path.realpath(environment.get("HOME") or os.path.expanduser("~"))
    places = {path: _real(path.rstrip("/"), home, environment) for path in (*wanted.state, *wanted.logins)}
    logins = {path: data for path in wanted.logins if (data := _file(places[path])) is not None}
    record = {
        "schema": SCHEMA,
        "client": name,
        "real": home,
        "owner": this_process().to_json(),
        "logins": {path: sha256(data).hexdigest() for path, data in logins.items()},
        "paths": {path: places[path] for path in logins},
    }
    found: dict[str, bytes] = dict(logins)
    for path in wanted.state:
        found |= dict(_below(path.rstrip("/"), places[path])) if path.endswith("/") else _one(path, places[path])
    if sum(map(len, found.values())) > _MOST:
        hint = f"name the files that it needs: agents.{name.partition(':')[2]}.state in config.json"
        raise WorkFailed(
            "write-failed", f"{name} has more than {_MOST // 1024 // 1024} MB of state", where=home, hint=hint
        )
    files.make_private_folders(copy)
    files.replace_json(os.path.join(folder, RECORD), record)  # before the login, so that a kill leaves no unknown
    for path, data in found.items():
        target = os.path.join(copy, path)
        files.make_private_folders(os.path.dirname(target))
        files.replace(target, data, durable=False)
    binds = tuple(_binds(copy, home, places, found))
    beside = _beside(copy, home, environment)
    return ClientState(name, os.path.realpath(copy), home, binds, wanted.program, beside, wanted.scripts)


def _binds(copy: str, home: str, places: Mapping[str, str], found: Mapping[str, bytes]) -> Iterator[Bind]:
    """Folders rather than files, which a program could not replace by another one; of those one within another, the
    outer one alone."""
    chosen: dict[str, str] = {}
    for path, place in places.items():
        name = path.rstrip("/")
        whole = path.endswith("/") or "/" not in name  # a file that is in the home itself
        inner, target = (name, place) if whole else (os.path.dirname(name), os.path.dirname(place))
        if any(one == name or one.startswith(f"{name}/") for one in found):
            chosen[inner] = target
    for inner, target in sorted(chosen.items()):
        outer = [one for one in chosen if one != inner and is_within(inner, [one])]
        if not outer and (is_within(target, [home]) or os.path.exists(target)):
            yield Bind(os.path.realpath(os.path.join(copy, inner)), target, writable=True)


def _real(path: str, home: str, environment: Mapping[str, str]) -> str:
    for variable, usual in _MOVED.items():
        if environment.get(variable) and (path == usual or path.startswith(f"{usual}/")):
            return os.path.realpath(environment[variable]) + path[len(usual) :]
    return os.path.join(home, path)


def _beside(copy: str, home: str, environment: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The variables with which the agent finds its copy where nothing can be mounted; git keeps the person's name."""
    moved = {name: os.path.join(copy, usual) for name, usual in _MOVED.items() if environment.get(name)}
    settings = os.path.join(home, ".gitconfig")
    keeps = (
        {"GIT_CONFIG_GLOBAL": settings} if "GIT_CONFIG_GLOBAL" not in environment and os.path.exists(settings) else {}
    )
    return tuple({"HOME": copy, **moved, **keeps}.items())


def _one(path: str, place: str) -> dict[str, bytes]:
    data = _file(place)
    return {} if data is None else {path: data}


def _file(place: str) -> bytes | None:
    return plain(os.path.dirname(place), os.path.basename(place))


def _below(path: str, place: str) -> Iterator[tuple[str, bytes]]:
    """The regular files of a folder; what is too large for settings is left out, as are links to folders."""
    for folder, _, names in os.walk(place):
        for name in sorted(names):
            real = os.path.join(folder, name)
            try:
                shape = os.stat(real)
            except OSError:
                continue
            if stat.S_ISREG(shape.st_mode) and shape.st_size <= MOST_SETTINGS:
                data = _file(real)
                if data is not None:
                    yield os.path.join(path, os.path.relpath(real, place)), data
