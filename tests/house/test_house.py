"""The house stands as it was planned: subjects that import one way, one door per outside thing, pure rules."""

from __future__ import annotations

import graphlib
import subprocess
import sys
from collections.abc import Callable

import pytest

from support import source_rules
from support.sealed import ROOT
from support.source_rules import Source, package_sources

Rule = Callable[[Source], list[str]]
_SOURCES = package_sources()
_TESTS = [
    Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "tests").rglob("*.py"))
]

# What decides and does nothing else, folder by folder: values in, a value out.
PURE = {
    "": "command_table errors help_pages help_texts home_paths markdown names paths quoting status",
    "agents": "acp_agents job rehearsal_script supervisor_orders",
    "agents/acp": "access",
    "board": "lines page state",
    "checks": "mark_rules record_rules",
    "claims": "ledger_rows ports registry_document",
    "fleet": "job moves placement",
    "gc": "policy",
    "guard": "breaches calls",
    "history": "durations units",
    "notify": "moments",
    "plan": "approval drawing globs model overlap parse rules structure",
    "proof": "setup_files",
    "pulls": "items",
    "remote": "lease_rules ref_names rewound shared_task task_document",
    "report": "followup_rules markdown marks now outcome parts safe_markdown",
    "report/page": "pictures view",
    "results": "commands convergence documents evidence parse proofs records voices worker",
    "review": "brief shown_lines",
    "runs": "manifest",
    "sandbox": "bubblewrap choice environment profile seatbelt",
    "seals": "rows",
    "settings": "claims_remote limits phases roster sandbox_settings sync_list",
    "sharing": "elsewhere view",
    "stages": "select",
    "system": "folding shell_lists text",
    "tasks": "titles",
    "telemetry": "attributes",
    "usage": "prices tokens windows",
    "wizard": "machine steps",
}


def test_there_is_something_to_look_at() -> None:
    assert len(_SOURCES) > 60


def test_subjects_import_one_way() -> None:
    """The order of the subjects stands in pyproject.toml, for import-linter."""
    checker = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    checked = subprocess.run(
        [sys.executable, "-c", checker, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_no_module_needs_itself_to_be_loaded() -> None:
    """The order above is one of subjects; within a subject a cycle fails whoever comes in at the wrong module."""
    known = {source.path for source in _SOURCES}
    needs = {source.path: source_rules.own_imports(source, known, at_once=True) for source in _SOURCES}
    list(graphlib.TopologicalSorter(needs).static_order())


@pytest.mark.parametrize(
    "rule",
    [source_rules.wrong_doors, source_rules.too_long, source_rules.vague_name],
    ids=lambda rule: rule.__name__,
)
def test_the_package_keeps_the_rule(rule: Rule) -> None:
    assert [finding for source in _SOURCES for finding in rule(source)] == []


def test_pure_modules_are_pure_and_import_only_pure_ones() -> None:
    pure = {f"{folder}/{name}.py".lstrip("/") for folder, names in PURE.items() for name in names.split()}
    sources = {source.path: source for source in _SOURCES}
    assert pure <= set(sources)
    assert [finding for path in sorted(pure) for finding in source_rules.impurities(sources[path])] == []
    others = {
        f"{path} imports {other}"
        for path in pure
        for other in source_rules.own_imports(sources[path], set(sources))
        if other not in pure and other != "__init__.py"
    }
    assert others == set()


def test_the_tests_are_small_too() -> None:
    assert [finding for source in _TESTS for finding in source_rules.too_long(source)] == []


# The rules see what is wrong


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("git/command.py", "import subprocess"),
        ("stages/a.py", "def f():\n    from subprocess import run"),
        ("system/files.py", "import fcntl"),
        ("system/files.py", "from fasteners.process_lock import InterProcessLock"),
        ("stages/a.py", "import os\nos.system('ls')"),
        ("stages/a.py", "import os\nos.execvp('ls', [])"),
    ],
)
def test_a_wrong_door_is_seen(path: str, text: str) -> None:
    assert len(source_rules.wrong_doors(Source(path, text))) == 1
    assert source_rules.wrong_doors(Source("system/processes.py", "import subprocess\nimport os\nos.fork()")) == []


@pytest.mark.parametrize(
    "text",
    [
        "import time",
        "from datetime import datetime",
        "def f():\n    import random",
        "import os\nos.path.exists('a')",
        "import os\nos.path.abspath('a')",
        "import os\nos.listdir('a')",
        "import os\nos.environ['HOME']",
        "import posixpath\nposixpath.realpath('a')",
        "from posixpath import exists",
        "from os.path import exists",
        "from pathlib import Path",
        "import pathlib",
        "open('a')",
        "f = open",
        "print('a')",
    ],
)
def test_an_impurity_is_seen(text: str) -> None:
    assert len(source_rules.impurities(Source("plan/rules.py", text))) == 1


def test_pure_names_are_let_in() -> None:
    text = "import os, posixpath, json, re\nos.path.join('a')\nos.fspath('a')\nposixpath.normpath('a')\nx.open()"
    assert source_rules.impurities(Source("plan/rules.py", text)) == []


def test_own_imports_are_files() -> None:
    known = {"names.py", "git/__init__.py", "git/merge.py", "plan/rules.py"}
    text = "import os\nfrom ..names import TaskKey\nfrom .. import git, __version__\n"
    text += "from ..git import merge\nfrom .rules import S1"
    found = source_rules.own_imports(Source("plan/a.py", text), known)
    assert found == {"names.py", "git/__init__.py", "git/merge.py", "plan/rules.py"}


def test_imports_that_run_when_a_module_is_loaded() -> None:
    known = {"names.py", "git/merge.py", "plan/rules.py", "paths.py"}
    text = "from ..names import TaskKey\nif TYPE_CHECKING:\n    from ..git import merge\n"
    text += "try:\n    from .rules import S1\nexcept ImportError:\n    pass\ndef f():\n    from ..paths import join\n"
    assert source_rules.own_imports(Source("plan/a.py", text), known, at_once=True) == {"names.py", "plan/rules.py"}


def test_what_is_too_long_or_vague_is_seen() -> None:
    long_function = "def f():\n" + "    x = 1\n" * 60
    assert source_rules.too_long(Source("plan/a.py", long_function)) == ["plan/a.py:1 f: 61 lines"]
    assert source_rules.too_long(Source("plan/a.py", "x = 1\n" * 401)) == ["plan/a.py: 401 lines"]
    assert source_rules.too_long(Source("plan/a.py", "x = 1\n" * 400)) == []
    for path in ("git/utils.py", "stages/git_helpers.py", "misc/a.py", "board/_common.py"):
        assert source_rules.vague_name(Source(path, "")) != []
    assert source_rules.vague_name(Source("plan/commonmark.py", "")) == []
