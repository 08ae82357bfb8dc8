"""A private copy of a client's own folder for one worker, and what of it comes home.

A client's real folder, writable for a worker, would be a way out: hooks, notifiers and servers that its settings name
run in the person's next session. So a worker's client gets the settings and the login copied, skills and agents shown
read-only; only new transcripts and a refreshed login come home. The login comes home only if the real one is still what
it was: else the person, or another worker, has refreshed it meanwhile.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import NamedTuple

from ..errors import OkstraError, Unreadable
from ..names import Owner
from ..status import Liveness
from ..system import files, foreign_files
from ..system.locks import LockKind, locked
from ..system.process_identity import liveness, this_process
from ..system.text import loads
from .profile import Bind

SCHEMA = "client-state/1"
RECORD = "state.json"
_STALE = 24 * 3600.0  # seconds
MOST_SETTINGS = 4 * 1024 * 1024
_MOST_TRANSCRIPT = 256 * 1024 * 1024
_TRANSCRIPTS = (".jsonl", ".json")


class ClientFolder(NamedTuple):
    """What a client keeps in its folder. `variable` names the folder; `name` is it below the home."""

    variable: str
    name: str
    settings: tuple[str, ...]
    logins: tuple[str, ...]
    shown: tuple[str, ...]
    copied: tuple[str, ...]
    transcripts: str


FOLDERS: Mapping[str, ClientFolder] = {
    "claude": ClientFolder(
        "CLAUDE_CONFIG_DIR",
        ".claude",
        (
            *(".claude.json", "settings.json", "settings.local.json", "CLAUDE.md", "keybindings.json"),
            *("policy-limits.json", "remote-settings.json"),
        ),
        (".credentials.json",),
        ("agents", "commands", "skills", "plugins", "output-styles", "rules", "workflows", "hooks"),
        (),
        "projects",
    ),
    "codex": ClientFolder(
        "CODEX_HOME",
        ".codex",
        ("config.toml", "AGENTS.md", "AGENTS.override.md", "installation_id", "version.json", "models_cache.json"),
        ("auth.json",),
        ("prompts", "rules", "plugins", "agents"),
        ("skills",),  # it writes its own beside the person's
        "sessions",
    ),
    "gemini": ClientFolder(
        "",
        ".gemini",
        (
            *("settings.json", "GEMINI.md", "trustedFolders.json", "projects.json", "installation_id", "user_id"),
            *("google_accounts.json", ".env"),
        ),
        ("oauth_creds.json", "mcp-oauth-tokens.json"),
        ("commands", "extensions", "agents", "skills", "policies"),
        (),
        "tmp",
    ),
}


class ClientState(NamedTuple):
    """`copy` is the folder that stands for the client's real one: laid over it by the first of the binds, or, where
    nothing can be laid over anything, named by the client's variable."""

    client: str = ""
    copy: str = ""
    real: str = ""
    binds: tuple[Bind, ...] = ()
    program: str = ""
    """What is started, where okstra's own program starts it in turn."""
    beside: tuple[tuple[str, str], ...] = ()
    """Variables with which an agent finds its copy where nothing can be mounted."""
    shown: tuple[str, ...] = ()
    """Files that it needs to see besides, read-only."""


@contextmanager
def private_state(client: str, folder: str, environment: Mapping[str, str]) -> Iterator[ClientState]:
    """The copy is in `folder`, which belongs to one dispatch and is gone afterwards. Nothing for other clients.

    Raises WorkFailed when the copy can't be written.
    """
    if client not in FOLDERS:
        yield ClientState()
        return
    try:
        yield _made(client, folder, environment)
    finally:
        take_home(folder)


def take_home(folder: str) -> None:
    """Takes home what a client left in its copy, and removes the copy. Nothing of it is alive any more."""
    with suppress(OkstraError, OSError):
        record = files.read_json(os.path.join(folder, RECORD), SCHEMA)
        logins = record.get("logins") if record is not None else None
        digests = logins if isinstance(logins, Mapping) else {}
        paths = record.get("paths") if record is not None else None
        if isinstance(paths, Mapping):  # an agent's (`agent_state`)
            _take_logins(
                os.path.join(folder, "home"), {str(name): str(place) for name, place in paths.items()}, digests
            )
        elif record is not None and record.get("client") in FOLDERS:
            client, real = FOLDERS[str(record["client"])], str(record["real"])
            copy = os.path.join(folder, client.name)
            _take_logins(copy, {name: os.path.join(real, name) for name in client.logins}, digests)
            _take_transcripts(os.path.join(copy, client.transcripts), os.path.join(real, client.transcripts))
    remove(folder)


def take_home_abandoned(folders: str) -> None:
    """For every copy below that folder whose okstra was killed. What has no record yet is left for a day."""
    for name in files.names_in(folders):
        folder = os.path.join(folders, name)
        with suppress(OkstraError, OSError, ValueError):
            record = files.read_json(os.path.join(folder, RECORD), SCHEMA)
            if record is None:
                if time.time() - os.stat(folder).st_mtime > _STALE and os.path.isdir(folder):
                    remove(folder)
            elif liveness(Owner.from_json(record.get("owner"))) is Liveness.GONE:
                take_home(folder)


def real_folder(client: str, environment: Mapping[str, str]) -> str:
    kept = FOLDERS[client]
    if client == "gemini" and environment.get("GEMINI_CLI_HOME"):
        return os.path.realpath(os.path.join(environment["GEMINI_CLI_HOME"], kept.name))
    named = environment.get(kept.variable) if kept.variable else ""
    return os.path.realpath(named or os.path.join(environment.get("HOME") or os.path.expanduser("~"), kept.name))


def _made(client: str, folder: str, environment: Mapping[str, str]) -> ClientState:
    kept, real = FOLDERS[client], real_folder(client, environment)
    copy = os.path.join(folder, kept.name)
    found = {name: data for name in (*kept.settings, *kept.logins) if (data := plain(real, name)) is not None}
    if client == "claude" and not environment.get(kept.variable):  # without the variable this file stands beside
        beside = plain(os.path.dirname(real), ".claude.json")
        found.update({".claude.json": beside} if beside is not None else {})
    record = {
        "schema": SCHEMA,
        "client": client,
        "real": real,
        "owner": this_process().to_json(),
        "logins": {name: sha256(found[name]).hexdigest() for name in kept.logins if name in found},
    }
    try:
        files.make_private_folders(copy)
        files.replace_json(os.path.join(folder, RECORD), record)  # before the login, so that a kill leaves no unknown
        for name, data in found.items():
            files.replace(os.path.join(copy, name), data, durable=False)
        for name in kept.copied:
            if os.path.isdir(os.path.join(real, name)):
                shutil.copytree(os.path.join(real, name), os.path.join(copy, name), symlinks=True)
    except OSError as error:
        files.raise_write_failed(folder, error)
    binds = [Bind(os.path.realpath(copy), real, writable=True)]
    for name in kept.shown:
        source = os.path.realpath(os.path.join(real, name))
        binds += [Bind(source, os.path.join(real, name))] if os.path.isdir(source) else []
    return ClientState(client, binds[0].source, real, tuple(binds))


def laid_over(state: ClientState) -> dict[str, str]:
    """The variables with which the client finds its copy at the place of its real folder."""
    variable = FOLDERS[state.client].variable if state.client in FOLDERS else ""
    return {variable: state.real} if variable else {}


def set_beside(state: ClientState) -> dict[str, str]:
    """As `laid_over` where nothing can be mounted: links in the copy stand for the binds, and it is named itself."""
    if state.client not in FOLDERS:
        return dict(state.beside)
    for bind in state.binds[1:]:
        with suppress(OSError):
            os.symlink(bind.source, os.path.join(state.copy, os.path.basename(bind.target)))
    variable = FOLDERS[state.client].variable
    return {variable: state.copy} if variable else {"GEMINI_CLI_HOME": os.path.dirname(state.copy)}


def plain(folder: str, name: str) -> bytes | None:
    """The person's own file, which may be a link to where they keep it."""
    try:
        return foreign_files.read(os.path.realpath(os.path.join(folder, name)), MOST_SETTINGS)
    except Unreadable:
        return None


def _take_logins(copy: str, places: Mapping[str, str], digests: Mapping[str, object]) -> None:
    """`places` are the real files, by their names in the copy."""
    with locked(LockKind.INDEX, os.path.join(os.path.dirname(os.path.dirname(copy)), ".lock")):
        for name, place in places.items():
            try:
                new = foreign_files.read(os.path.join(copy, name), MOST_SETTINGS)
            except Unreadable:
                continue
            now = plain(os.path.dirname(place), os.path.basename(place))
            if new is None or now is None or sha256(now).hexdigest() != digests.get(name):
                continue
            if new != now and _same_shape(new, now):
                files.replace(os.path.realpath(place), new)


def _same_shape(new: bytes, now: bytes) -> bool:
    """Whether both are JSON objects with the same names: a login is never replaced by something else."""
    try:
        one, other = loads(new), loads(now)
    except (ValueError, RecursionError):
        return False
    return isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys()


def _take_transcripts(copy: str, real: str) -> None:
    if os.path.islink(copy):  # what a client left in its place leads anywhere
        return
    for folder, _, names in os.walk(copy):
        for name in names:
            if os.path.splitext(name)[1] not in _TRANSCRIPTS:
                continue
            target = os.path.join(real, os.path.relpath(os.path.join(folder, name), copy))
            with suppress(OkstraError, OSError):
                data = foreign_files.read(os.path.join(folder, name), _MOST_TRANSCRIPT)
                if data is not None and not os.path.lexists(target):
                    files.make_private_folders(os.path.dirname(target))
                    files.replace(target, data, durable=False)


def remove(folder: str) -> None:
    """Removes what one dispatch had."""
    for place, _, _ in os.walk(folder):
        with suppress(OSError):
            os.chmod(place, 0o700)  # a client may have closed its folders even to itself
    shutil.rmtree(folder, ignore_errors=True)
