"""What may lead a check in a checkout to code from elsewhere: looked up only once a check has shown that it does."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

from ..sandbox.profile import is_within
from ..settings.sync_list import SyncEntry
from ..system import files

_VENVS = (".venv", "venv", "env")
_PATH_VARIABLES = ("PYTHONPATH", "NODE_PATH", "CLASSPATH", "RUBYLIB", "PERL5LIB")
_BUILT = frozenset({"dist", "build", "out", "target", "lib", "_build", ".next", "bin"})
_MOST = 6
_LARGEST = 256 * 1024


def likely_causes(
    checkout: str, elsewhere: Sequence[str], sync: Sequence[SyncEntry], environment: Mapping[str, str]
) -> tuple[str, ...]:
    """One clause for each thing found. `elsewhere`: the main checkout and okstra's other worktrees."""
    places = [os.path.realpath(path) for path in elsewhere]
    found = [
        *_links(checkout, places),
        *(one for venv in _environments(checkout, environment) for one in _editable(venv, checkout, places)),
        *_packages(checkout, places),
        *_variables(checkout, places, environment),
        *(
            f"`{entry.path}` comes from the main checkout, as it was built there"
            for entry in sync
            if os.path.basename(entry.path) in _BUILT and os.path.lexists(os.path.join(checkout, entry.path))
        ),
    ]
    return tuple(dict.fromkeys(found))[:_MOST]


def _leads_away(path: str, checkout: str, places: Sequence[str]) -> bool:
    real = os.path.realpath(path)
    return is_within(real, places) and not is_within(real, [os.path.realpath(checkout)])


def _links(checkout: str, places: Sequence[str]) -> Iterator[str]:
    for name in files.names_in(checkout):
        path = os.path.join(checkout, name)
        if os.path.islink(path) and _leads_away(path, checkout, places):
            yield f"`{name}` is a link to {os.path.realpath(path)}"


def _environments(checkout: str, environment: Mapping[str, str]) -> list[str]:
    """Virtual environments of Python that the check may use."""
    beside = [os.path.dirname(folder) for folder in environment.get("PATH", "").split(os.pathsep) if folder]
    candidates = [*(os.path.join(checkout, name) for name in _VENVS), environment.get("VIRTUAL_ENV", ""), *beside]
    real = (path for path in candidates if path and os.path.isfile(os.path.join(path, "pyvenv.cfg")))
    return list(dict.fromkeys(real))


def _editable(venv: str, checkout: str, places: Sequence[str]) -> Iterator[str]:
    lib = os.path.join(venv, "lib")
    for version in files.names_in(lib):
        folder = os.path.join(lib, version, "site-packages")
        for name in files.names_in(folder):
            if name.endswith((".pth", ".egg-link")) or name.startswith("__editable__"):
                target = _target(os.path.join(folder, name), checkout, places)
                if target:
                    yield f"an editable install, {os.path.join(folder, name)}, leads to {target}"


def _target(path: str, checkout: str, places: Sequence[str]) -> str:
    """The first place elsewhere that the file names, by a line of its own or in a quoted string."""
    text = files.read_tail(path, _LARGEST, whole_lines=False).decode("utf-8", "replace")
    words = [word for line in text.splitlines() for word in (line.strip(), *line.replace('"', "'").split("'")[1::2])]
    return next((word for word in words if os.path.isabs(word) and _leads_away(word, checkout, places)), "")


def _packages(checkout: str, places: Sequence[str]) -> Iterator[str]:
    """Packages of Node that are links to their sources."""
    top = os.path.join(checkout, "node_modules")
    for name in files.names_in(top):
        inner = [f"{name}/{one}" for one in files.names_in(os.path.join(top, name))] if name.startswith("@") else [name]
        for one in inner:
            path = os.path.join(top, one)
            is_source = os.path.islink(path) and "node_modules" not in os.path.realpath(path).split(os.sep)
            if is_source and _leads_away(path, checkout, places):
                yield f"the package {one} in node_modules is a link to {os.path.realpath(path)}"


def _variables(checkout: str, places: Sequence[str], environment: Mapping[str, str]) -> Iterator[str]:
    for name in _PATH_VARIABLES:
        for entry in environment.get(name, "").split(os.pathsep):
            if os.path.isabs(entry) and _leads_away(entry, checkout, places):
                yield f"{name} names {entry}"
