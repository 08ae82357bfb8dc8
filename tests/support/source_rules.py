"""The rules of the house that can be read off the source, each as a function from source to findings."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from .sealed import ROOT

PACKAGE = ROOT / "python" / "okstra_ctl"
MAX_FILE_LINES, MAX_FUNCTION_LINES = 400, 60
VAGUE_NAMES = {"util", "utils", "helper", "helpers", "misc", "common", "tools", "stuff"}

# Who alone may import it. An empty set: nobody.
ONE_DOOR = {
    "subprocess": {"system/processes.py"},
    "fasteners": {"system/locks.py"},
    "fcntl": {"system/locks.py"},
    "plumbum": {"agents/supervised_process.py"},
    "jinja2": {"system/pages.py"},
    "markupsafe": {"system/pages.py"},
    "argcomplete": {"commands/completion.py"},
    "prompt_toolkit": {"wizard/terminal_front.py"},
    "questionary": {"wizard/terminal_front.py"},
    "rich": {"terminal.py", "terminal_table.py", "board/live.py", "board/terminal.py"},
    "multiprocessing": set(),
    "asyncio": {
        *("agents/acp/terminals.py", "agents/acp/wire.py", "agents/acp/worker.py"),
        *("agents/codex_server.py", "fleet/dask_service.py"),
    },
    "acp": {"agents/acp/client.py", "agents/acp/worker.py"},
    "pydantic": {"agents/acp/worker.py"},
}
_NOT_IN_CORE = {
    "time",
    "datetime",
    "random",
    "secrets",
    "socket",
    "subprocess",
    "shutil",
    "tempfile",
    "threading",
    "io",
    "glob",
    "platform",
    "getpass",
    "uuid",
    "signal",
    "sys",
    "urllib",
    "http",
    "select",
    "ctypes",
    "sqlite3",
    "zoneinfo",
    "calendar",
    "linecache",
    "fileinput",
    "importlib",
    "mmap",
}
_PURE_OS = {"fspath", "PathLike", "sep", "fsencode", "fsdecode"}
_PURE_PATHS = {
    "join",
    "dirname",
    "basename",
    "normpath",
    "split",
    "splitext",
    "isabs",
    "commonpath",
    "commonprefix",
    "sep",
}
_PURE_PATHLIB = {"PurePath", "PurePosixPath", "PureWindowsPath"}
_IMPURE_BUILTINS = {"open", "print", "input", "exec", "eval", "__import__", "breakpoint"}
_STARTERS = {"system/processes.py", "agents/supervisor.py"}
_STARTS_PROCESSES = ("system", "popen", "fork", "forkpty", "spawn", "posix_spawn", "exec")


class Source(NamedTuple):
    """One Python file; `path` is relative to the package, e.g. `paths.py`."""

    path: str
    text: str


class Import(NamedTuple):
    line: int
    module: str  # absolute; `okstra_ctl.…` for ours
    name: str  # of `from module import name`; else empty


def package_sources() -> list[Source]:
    return [
        Source(path.relative_to(PACKAGE).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    ]


def imports(source: Source, *, at_once: bool = False) -> Iterator[Import]:
    """Every import, those inside functions too, with relative ones made absolute. `at_once`: those alone that run when
    the module is loaded."""
    package = ["okstra_ctl", *source.path.split("/")[:-1]]
    tree = ast.parse(source.text)
    for node in _run_at_once(tree) if at_once else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(node.lineno, alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (Import(node.lineno, module, alias.name) for alias in node.names)


def _run_at_once(tree: ast.AST) -> Iterator[ast.AST]:
    """What isn't in a function, nor for type checkers alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            continue
        yield node
        yield from _run_at_once(node)


def own_imports(source: Source, known: set[str], *, at_once: bool = False) -> set[str]:
    """The files of the package, of those that are known, that a source imports."""
    found = set()
    for _, module, name in imports(source, at_once=at_once):
        top, *parts = module.split(".")
        if top == "okstra_ctl":
            inner, outer = "/".join([*parts, name]), "/".join(parts)
            places = (f"{inner}.py", f"{inner}/__init__.py", f"{outer}.py", f"{outer}/__init__.py".lstrip("/"))
            found |= set([place for place in places if place in known][:1])
    return found


def wrong_doors(source: Source) -> list[str]:
    """Imports and calls that only one file may make."""
    found = [
        f"{source.path}:{line} imports {module}"
        for line, module, _ in imports(source)
        if source.path not in ONE_DOOR.get(module.split(".")[0], {source.path})
    ]
    if source.path not in _STARTERS:
        found += [
            f"{source.path}:{node.lineno} calls os.{node.attr}"
            for node in _attributes(source, "os")
            if node.attr.startswith(_STARTS_PROCESSES)
        ]
    return found


def impurities(source: Source) -> list[str]:
    """What a file does besides taking and giving values."""
    found = []
    for line, module, name in imports(source):
        top = module.split(".")[0]
        if (
            top in _NOT_IN_CORE
            or (top == "os" and (name or module != "os"))
            or (top == "posixpath" and name and name not in _PURE_PATHS)
            or (top == "pathlib" and name not in _PURE_PATHLIB)
        ):
            found.append(f"{source.path}:{line} imports {module} {name}".rstrip())
    pure = _PURE_OS | {"path"}
    found += [
        f"{source.path}:{node.lineno} os.{node.attr}" for node in _attributes(source, "os") if node.attr not in pure
    ]
    for owner in ("os.path", "posixpath"):
        found += [
            f"{source.path}:{node.lineno} {owner}.{node.attr}"
            for node in _attributes(source, owner)
            if node.attr not in _PURE_PATHS
        ]
    for node in ast.walk(ast.parse(source.text)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in _IMPURE_BUILTINS:
            found.append(f"{source.path}:{node.lineno} {node.id}")
    return found


def too_long(source: Source) -> list[str]:
    lines = len(source.text.splitlines())
    found = [f"{source.path}: {lines} lines"] if lines > MAX_FILE_LINES else []
    for node in ast.walk(ast.parse(source.text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MAX_FUNCTION_LINES:
                found.append(f"{source.path}:{node.lineno} {node.name}: {length} lines")
    return found


def vague_name(source: Source) -> list[str]:
    parts = source.path.removesuffix(".py").split("/")
    words = {word for part in parts for word in part.strip("_").split("_")}
    return [f"{source.path}: what is it for?"] if words & VAGUE_NAMES else []


def _attributes(source: Source, owner: str) -> Iterator[ast.Attribute]:
    """Every `owner.something` in the source."""
    for node in ast.walk(ast.parse(source.text)):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == owner:
            yield node
