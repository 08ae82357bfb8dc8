"""fleet.toml: which engine places runs, on which nodes, with how many tokens (docs/formats.md)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ..errors import UsageError
from ..system import assets, files

DASK, SLURM = "dask", "slurm"
SCHEMA = "fleet"
_NODE_TIMEOUT = 60


class Node(NamedTuple):
    """A place where stages are led. `host` is its machine, empty for the one where the fleet is started; `home` is
    empty for the machine's usual one."""

    name: str
    project: str
    home: str
    slots: int
    host: str


class DaskSettings(NamedTuple):
    scheduler: str
    keys: str
    node_timeout: int
    nodes: tuple[Node, ...]

    @property
    def is_encrypted(self) -> bool:
        return self.scheduler.startswith("tls://")


class SlurmSettings(NamedTuple):
    """`licenses`: tokens are Slurm's licenses."""

    folder: str
    output: str
    okstra: str
    licenses: bool
    options: tuple[str, ...]


class Fleet(NamedTuple):
    """`jobs`: at once over all nodes, 0 for as many as the engine takes."""

    path: str
    engine: str
    jobs: int
    tokens: Mapping[str, int]
    dask: DaskSettings | None
    slurm: SlurmSettings | None


def read_fleet(path: str) -> Fleet:
    """Raises UsageError (`not-found`, `bad-config`)."""
    path = os.path.abspath(path)
    data = files.read_bytes(path)
    if data is None:
        raise UsageError("not-found", f"there is no file {path}", where=path, hint="okstra fleet init makes one")
    text = data.decode("utf-8", "replace")
    try:
        document = assets.parse_toml(text)
    except ValueError as error:  # its message names line and column
        raise UsageError("bad-config", f"it is not TOML: {error}", where=path, hint="mend that line") from None
    problems = [
        f"{_line_of(text, problem)}{problem}" for problem in assets.problems_of(document, assets.schema(SCHEMA))
    ]
    engine = document.get("engine")
    if not problems and engine not in document:
        problems = [f"the section [{engine}] is missing"]
    if problems:
        raise UsageError("bad-config", "; ".join(problems), where=path, hint="docs/formats.md has every field")
    return Fleet(
        path,
        str(engine),
        int(document.get("jobs", 0)),
        document.get("tokens", {}),
        _dask(document["dask"], path) if "dask" in document else None,
        _slurm(document["slurm"]) if "slurm" in document else None,
    )


def _dask(section: Mapping[str, Any], path: str) -> DaskSettings:
    folder = os.path.dirname(path)
    nodes = tuple(
        Node(
            one["name"],
            os.path.join(folder, os.path.expanduser(one["project"])),
            os.path.join(folder, os.path.expanduser(one["home"])) if "home" in one else "",
            one.get("slots", 1),
            one.get("host", ""),
        )
        for one in section.get("node", [])
    )
    keys = os.path.join(folder, os.path.expanduser(section.get("keys", "keys")))
    found = DaskSettings(section["scheduler"], keys, section.get("node_timeout", _NODE_TIMEOUT), nodes)
    if not found.is_encrypted and not is_loopback(host_of(found.scheduler)):
        raise UsageError(
            "bad-config",
            f"{found.scheduler} is not encrypted: whoever reaches it could run programs on every node",
            where=path,
            hint="write tls://, and make certificates with `okstra fleet init`; tcp:// is for 127.0.0.1 only",
        )
    names = [node.name for node in nodes]
    if len(set(names)) < len(names):
        raise UsageError("bad-config", f"two nodes have the same name: {', '.join(names)}", where=path)
    return found


def _slurm(section: Mapping[str, Any]) -> SlurmSettings:
    return SlurmSettings(
        section["folder"],
        section["output"],
        section.get("okstra", "okstra"),
        section.get("licenses", False),
        tuple(section.get("options", ())),
    )


def host_of(address: str) -> str:
    return urlsplit(address).hostname or ""


def port_of(address: str) -> int:
    return urlsplit(address).port or 0


def is_loopback(host: str) -> bool:
    """By its number; of names only localhost counts: others are looked up elsewhere."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _line_of(text: str, problem: str) -> str:
    """Where the last key of the problem's path stands, as far as that can be found."""
    keys = [key for key in problem.partition(":")[0].split(".") if not key.isdigit()]
    unknown = re.search(r"\('([^']+)' was unexpected\)", problem)
    wanted = re.escape(unknown[1] if unknown else keys[-1])
    found = re.search(rf"^[ \t]*(\[+\s*([\w-]+\.)*)?{wanted}\s*[=\].]", text, re.MULTILINE)
    return f"line {text.count(chr(10), 0, found.start()) + 1}: " if found else ""
