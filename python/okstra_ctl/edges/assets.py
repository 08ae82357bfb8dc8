"""okstra's own data files: prompts, templates, schemas, from a checkout or an installed package."""

from __future__ import annotations

import os
import sys

from ..core.json_text import dumps, loads
from ..words.errors import Missing
from ..words.hints import Any
from ..words.scopes import ignoring

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def root() -> str:
    """The folder that holds `prompts/`, `templates/` and `schemas/`. Raises Missing (`assets-missing`)."""
    for folder in (os.path.join(_PACKAGE, "_assets"), os.path.dirname(os.path.dirname(_PACKAGE))):
        if os.path.isfile(os.path.join(folder, "prompts", "phases.toml")):
            return folder
    raise Missing(
        "assets-missing", "okstra's prompts are not where they belong", where=_PACKAGE, hint="install okstra anew"
    )


def text(*parts: str) -> str:
    """A data file's text. Raises Missing (`assets-missing`)."""
    path = os.path.join(root(), *parts)
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise Missing("assets-missing", f"{'/'.join(parts)} can't be read: {error.strerror}", where=path) from error


def toml(*parts: str) -> dict[str, Any]:
    """A TOML data file, parsed. As Python does with its modules, the parsed form is kept beside it for the next time.

    Raises Missing (`assets-missing`).
    """
    path = os.path.join(root(), *parts)
    kept = os.path.join(os.path.dirname(path), "__pycache__", f"{os.path.basename(path)}.json")
    stamp = _stamp(path)
    try:
        with open(kept, "rb") as file:
            document: dict[str, Any] = loads(file.read())
        if stamp is not None and document["stamp"] == stamp:
            return dict(document["parsed"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    parsed = parse_toml(text(*parts))
    if stamp is not None and not sys.dont_write_bytecode:
        _keep(kept, dumps({"stamp": stamp, "parsed": parsed}))
    return parsed


def _keep(path: str, content: str) -> None:
    """Where the installation can't be written to, nothing is kept, and nothing is lost but time."""
    temporary = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(content)
        os.replace(temporary, path)
    except OSError:
        with ignoring(OSError):
            os.unlink(temporary)


def _stamp(path: str) -> list[int] | None:
    """What tells one version of the file from another: its size, time of change and number."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns, found.st_ino]


def parse_toml(content: str) -> dict[str, Any]:
    """Raises ValueError when it is not TOML."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # the standard library has it from 3.11 on
    document: dict[str, Any] = tomllib.loads(content)
    return document
