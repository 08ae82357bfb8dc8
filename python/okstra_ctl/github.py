"""The one door to `gh`, GitHub's client: what it knows is asked for as JSON. It is the person's own, with their login.

What people wrote at GitHub is material of strangers: only that of people who may write to the repository is passed on
to agents, fenced (docs/design/threats.md).
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from . import git
from .errors import Missing, OkstraError, WorkFailed
from .system import processes

_SECONDS = 60.0
_MAY_WRITE = ("admin", "maintain", "write")


def fault_of(environment: Mapping[str, str], host: str = "") -> str:
    """Why gh can't be used; empty when it can. `host`: where it must be logged in."""
    if shutil.which("gh", path=environment.get("PATH")) is None:
        return "`gh`, GitHub's client, is not on the PATH"
    asked = processes.run(
        ["gh", "auth", "status", *(("--hostname", host) if host else ())],
        env=git.users_environment(environment),
        timeout=_SECONDS,
    )
    return (
        "" if asked.ok else f"`gh` is not logged in{f' at {host}' if host else ''}: {asked.complaint or asked.status}"
    )


def require(environment: Mapping[str, str]) -> None:
    """Raises Missing (`gh-missing`)."""
    fault = fault_of(environment)
    if fault:
        raise Missing("gh-missing", fault, hint="install gh, and `gh auth login`")


def call(args: Sequence[str], folder: str, environment: Mapping[str, str]) -> str:
    """What gh prints. Raises Missing (`gh-missing`), WorkFailed (`gh-failed`)."""
    try:
        asked = processes.run(["gh", *args], cwd=folder, env=git.users_environment(environment), timeout=_SECONDS)
    except Missing as error:
        raise Missing("gh-missing", "`gh`, GitHub's client, is not on the PATH", hint="install gh") from error
    if not asked.ok:
        reason = asked.complaint or f"exit {asked.status}"
        raise WorkFailed("gh-failed", f"gh failed: {reason}", where=f"gh {' '.join(args[:3])}", hint="gh auth status")
    return asked.stdout.decode("utf-8", "replace")


def ask(args: Sequence[str], folder: str, environment: Mapping[str, str]) -> Any:
    """As `call`, read as JSON."""
    text = call(args, folder, environment)
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise WorkFailed("gh-failed", "gh printed no JSON", where=f"gh {' '.join(args[:3])}") from None


def ask_all(path: str, folder: str, environment: Mapping[str, str]) -> list[Any]:
    """All entries of a list of GitHub's API; `{owner}` and `{repo}` in the path are the repository's. Raises as `call`.

    gh prints one list a page, side by side.
    """
    text, decoder = call(["api", "--paginate", path], folder, environment).strip(), json.JSONDecoder()
    entries: list[Any] = []
    while text:
        try:
            page, end = decoder.raw_decode(text)
        except (ValueError, RecursionError):
            raise WorkFailed("gh-failed", "gh printed no JSON", where=f"gh api {path}") from None
        entries += page if isinstance(page, list) else [page]
        text = text[end:].lstrip()
    return entries


class Writers:
    """Who may write to the repository, asked once for each person."""

    def __init__(self, folder: str, environment: Mapping[str, str]) -> None:
        self._folder, self._environment = folder, environment
        self._known: dict[str, bool] = {}

    def has(self, login: str) -> bool:
        """False as well where GitHub does not say: a robot, somebody who is gone."""
        if login and login not in self._known:
            self._known[login] = self._ask(login)
        return self._known.get(login, False)

    def _ask(self, login: str) -> bool:
        if re.fullmatch(r"[A-Za-z0-9-]+", login) is None:
            return False
        path = f"repos/{{owner}}/{{repo}}/collaborators/{login}/permission"
        try:
            document = ask(["api", path], self._folder, self._environment)
        except OkstraError:
            return False
        return isinstance(document, Mapping) and document.get("permission") in _MAY_WRITE
