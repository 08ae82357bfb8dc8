"""Shows how much of each provider's windows is used, and when they begin anew, as its client says.

codex is asked through its own app-server; of the others, what their clients reported in this home's runs is shown.
okstra asks nobody over the network.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any

from ..output import Reply, table
from ..services import Call
from ..system import files
from ..usage.windows import Seen, window_text

_ASKED = ("claude", "codex", "gemini")


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("provider", metavar="PROVIDER", nargs="*", help=f"default: {', '.join(_ASKED)}")


def execute(args: Namespace, call: Call) -> Reply:
    from ..history.quota import seen_in_runs

    names = tuple(dict.fromkeys(args.provider or _ASKED))
    _check(names, call)
    found = seen_in_runs(names, call.services)
    if "codex" in names:
        codex = _of_codex(call, found.get("codex"))
        found = {**found, **({"codex": codex} if codex else {})}
    rows = [(name, found.get(name)) for name in names]
    text = table([line for name, seen in rows for line in _lines(name, seen)], ("provider", "window", "as of"))
    return Reply({"providers": [_json(name, seen) for name, seen in rows]}, text)


def _check(names: Sequence[str], call: Call) -> None:
    """Raises UsageError (`unknown-worker`, `bad-config`), Unreadable."""
    from ..agents.providers import provider, provider_settings

    config = files.read_json(call.services.home.config) or {}
    settings = provider_settings(config, {}, project_root="", places=(call.services.home.config, ""))
    for name in names:
        provider(name, settings)


def _of_codex(call: Call, in_runs: Seen | None) -> Seen | None:
    """Its own answer; else the newer of what it kept on disk and what a run saw."""
    from ..agents.codex_limits import on_disk
    from ..agents.codex_server import ask
    from ..agents.environment import agents_environment

    windows = ask(agents_environment())
    if windows:
        return Seen(windows, call.services.clock.now(), "codex app-server")
    known = [one for one in (on_disk(call.services.environment), in_runs) if one]
    return max(known, key=lambda one: one.at, default=None)


def _lines(name: str, seen: Seen | None) -> list[tuple[str, str, str]]:
    if seen is None:
        return [(name, "unknown", "")]
    return [(name, window_text(window), seen.at) for window in seen.windows]


def _json(name: str, seen: Seen | None) -> dict[str, Any]:
    windows = [window.to_json() for window in seen.windows] if seen else None
    return {"provider": name, "windows": windows, "at": seen.at if seen else "", "by": seen.by if seen else ""}
