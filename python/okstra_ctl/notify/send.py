"""Sending messages: the setting `notify` of this machine, and the process that sends, within a time limit.

A project's file can't name where messages go: whoever can write to a repository could have them sent anywhere.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..errors import Missing, UsageError, extra_hint
from ..services import Services
from ..system import files, processes
from ..system.secrets import hide
from ..system.text import encode, loads
from .moments import Message

_SECONDS = 10.0
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|([A-Za-z_]\w*))")
_SENDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sender.py")


class Sent(NamedTuple):
    """`to`: the URL without secrets, or its scheme alone when it could not be read."""

    to: str
    sent: bool
    reason: str


def urls_of(services: Services) -> list[str]:
    """Raises UsageError (`bad-config`), Unreadable."""
    where = services.home.config
    named = (files.read_json(where) or {}).get("notify", [])
    if not isinstance(named, list) or not all(isinstance(url, str) for url in named):
        raise UsageError("bad-config", "notify is not a list of URLs", where=where, hint='write ["ntfy://topic"]')
    return [_with_variables(url, services.environment) for url in named]


def send(message: Message, urls: Sequence[str], services: Services) -> list[Sent]:
    """Sends to every URL, side by side. Raises Missing (`dependency-missing`)."""
    if importlib.util.find_spec("apprise") is None:
        raise Missing(
            "dependency-missing", "messages are sent by apprise, which is not installed", hint=extra_hint("notify")
        )
    given = {"urls": list(urls), "title": hide(message.title)[0], "body": hide(message.body)[0]}
    begun = processes.start(
        [sys.executable, "-I", "-X", "utf8", _SENDER], env=dict(services.environment), stdin=encode(given)
    )
    ended = begun.finish(timeout=_SECONDS)
    try:
        rows = loads(ended.stdout.decode("utf-8", "replace")) if ended.ok else None
    except (ValueError, RecursionError):
        rows = None
    if not isinstance(rows, list) or len(rows) != len(urls):
        late = f"no answer within {_SECONDS:.0f} s"
        reason = late if ended.status < 0 else ended.complaint.splitlines()[-1:] or [f"exit {ended.status}"]
        return [Sent(_scheme(url), False, hide(reason if isinstance(reason, str) else reason[0])[0]) for url in urls]
    return [
        Sent(str(row["to"]) or _scheme(url), row["sent"] is True, hide(str(row["reason"]))[0] or _unknown(row))
        for row, url in zip(rows, urls, strict=True)
    ]


def try_send(message: Message, services: Services) -> str:
    """Sends where the settings say so. Returns a warning if that failed: no run fails by it."""
    from ..errors import OkstraError

    try:
        urls = urls_of(services)
        failed = [one for one in send(message, urls, services) if not one.sent] if urls else []
    except OkstraError as error:
        return f"nobody was notified: {error.message}" + (f" (try: {error.hint})" if error.hint else "")
    return "; ".join(f"{one.to} was not notified: {one.reason}" for one in failed)


def _unknown(row: Mapping[str, object]) -> str:
    return "" if row["sent"] else "apprise knows no such URL" if not row["to"] else "the service refused it"


def _scheme(url: str) -> str:
    return f"{url.partition('://')[0][:20]}://…"


def _with_variables(url: str, environment: Mapping[str, str]) -> str:
    """The URL with `$NAME` and `${NAME}` replaced, so that no token need stand in the file; unknown ones stay."""
    return _VARIABLE.sub(lambda found: environment.get(found[1] or found[2], found[0]), url)
