"""Starting something contained: the command line, environment and restriction that its supervisor carries out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from .. import git
from ..system import files
from . import bubblewrap, landlock, seatbelt
from .choice import Containment, Kind, own_folder
from .client_state import ClientState, laid_over, set_beside
from .environment import inside
from .landlock import Restriction
from .machine import machine
from .profile import AGENTS, Machine, Profile, is_within, profile

_HTTPS = 443
_PORT_IN = re.compile(r"://[^/\s\"']*?:([0-9]{1,5})(?:[/\s\"']|$)")
_ADDRESSES = re.compile(r"(?:_BASE_URL|_ENDPOINT|_PROXY|_proxy)\Z")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/ptmx", "/dev/pts", "/dev/shm")
_UNSIGNED = (("commit.gpgSign", "false"), ("tag.gpgSign", "false"))  # the key stays outside
_TEXTS = (".json", ".jsonc", ".toml", ".yaml", ".yml", ".env")
_SETTINGS = ("config.toml", "settings.json")
_KEY_IN = re.compile(r"\benv_key\s*=\s*[\"']?([A-Za-z_][A-Za-z0-9_]*)")
_BLANK, _TEMPORARY = "blank", "tmp"


class Started(NamedTuple):
    """What the supervisor starts. `nested`: under a process of the sandbox's own, which is no part of the client."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    restriction: Restriction = landlock.FREE
    nested: bool = False
    own_folder: str = ""
    """What is to be removed after the end, if anything: its temporary files, where nothing can be mounted."""


def started(
    given: Containment,
    argv: Sequence[str],
    environment: Mapping[str, str],
    *,
    token: str,
    state: ClientState = ClientState(),  # noqa: B008 (a value)
) -> Started:
    """Raises WorkFailed when the sandbox's own files can't be written."""
    options, kind = given.sandbox.options, given.sandbox.probed.kind
    texts = (*argv, *_settings(state))
    keys = [name for text in texts for name in _KEY_IN.findall(text)] if state.client == "codex" else []
    kept = inside(environment, state.client, (*options.variables, *given.variables, *keys))
    if given.role in AGENTS:
        kept |= git.settings_variables(kept, _UNSIGNED)
    git_folders = filter(None, (given.places.common_dir,))
    shown = (*options.shown, *state.shown)
    found = machine(
        environment, blank_file(given.sandbox.folder), shown, state.program or argv[0], with_sockets=git_folders
    )
    binds = (*given.binds, *state.binds)
    shaped = profile(given.role, found, given.places, binds, check_network=options.check_network)
    ports = _ports(given, environment, texts) if shaped.network else ()
    if kind is Kind.BWRAP:
        words = bubblewrap.arguments(shaped, given.sandbox.probed.means, argv)
        return Started(words, {**kept, **laid_over(state)}, Restriction(scoped=True, ports=ports), nested=True)
    temporary = os.path.join(own_folder(given.sandbox, token), _TEMPORARY)
    files.make_folder(temporary)
    kept = {**kept, **set_beside(state), "TMPDIR": temporary}
    if kind is Kind.SEATBELT:
        return Started(seatbelt.arguments(shaped, temporary, argv), kept, own_folder=os.path.dirname(temporary))
    restriction = _of_files(shaped, found, state, temporary, ports)
    return Started(tuple(argv), kept, restriction, own_folder=os.path.dirname(temporary))


def blank_file(folder: str) -> str:
    """The empty file that is laid over others, in okstra's folder for sandboxes. Raises WorkFailed."""
    path = os.path.join(folder, _BLANK)
    if not os.path.exists(path):
        files.make_folder(folder)
        files.claim(path)  # several workers begin at once: whoever comes second finds it there
    return os.path.realpath(path)


def _ports(given: Containment, environment: Mapping[str, str], texts: Sequence[str]) -> tuple[int, ...] | None:
    """Where an agent may connect to; None where anything goes, as for checks: their tests start servers. `texts` are
    its arguments and settings, which may name its server."""
    wished = given.sandbox.options.ports
    if given.role not in AGENTS or wished is None:
        return None
    addresses = [value for name, value in environment.items() if _ADDRESSES.search(name)]
    named = [int(port) for text in (*addresses, *texts) for port in _PORT_IN.findall(text)]
    return tuple(dict.fromkeys(port for port in (_HTTPS, *wished, *given.ports, *named) if 0 < port < 65536))


def _settings(state: ClientState) -> Iterator[str]:
    """The texts of the client's own settings."""
    for name in _SETTINGS if state.copy else ():
        yield (files.read_bytes(os.path.join(state.copy, name)) or b"").decode("utf-8", "replace")
    if state.program:  # an agent's, whose settings may have any name
        for folder, _, names in os.walk(state.copy):
            for name in names:
                if os.path.splitext(name)[1] in _TEXTS:
                    yield (files.read_bytes(os.path.join(folder, name)) or b"").decode("utf-8", "replace")


def _of_files(
    shaped: Profile, found: Machine, state: ClientState, temporary: str, ports: tuple[int, ...] | None
) -> Restriction:
    """The profile without mounts: a folder is readable; where something in it is hidden, what is beside that."""
    hides = [layer.target for layer in shaped.layers if not layer.source]
    shown = [layer.source for layer in shaped.layers if layer.source and layer.source != found.blank]
    seen = [one for path in shown for one in _beside(path, [hidden for hidden in hides if hidden != path])]
    writable = [layer.source for layer in shaped.layers if layer.source and layer.writable]
    return Restriction(
        scoped=True,
        ports=ports,
        readable=tuple(map(os.fsencode, (*_beside("/", hides), *seen))),
        writable=tuple(map(os.fsencode, (*writable, *filter(None, [state.copy]), temporary, *_DEVICES))),
    )


def _beside(folder: str, hides: Sequence[str]) -> Iterator[str]:
    """The folder, or what is in it but not hidden."""
    if folder in hides:
        return
    if not any(is_within(hidden, [folder]) for hidden in hides):
        yield folder
        return
    for name in files.names_in(folder):
        yield from _beside(os.path.join(folder, name), hides)
