"""The house stands as it was planned: layers, doors, a pure core, small and plainly named parts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from support import source_rules
from support.sealed import ROOT
from support.source_rules import LAYERS, Source, package_sources

Rule = Callable[[Source], list[str]]
_SOURCES = package_sources()
_TESTS = [
    Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "tests").rglob("*.py"))
]


def test_there_is_something_to_look_at() -> None:
    assert len(_SOURCES) > 60
    assert {source.layer for source in _SOURCES} - {""} <= set(LAYERS)
    assert {source.layer for source in _SOURCES} >= {"words", "core", "edges", "flows", "ui"}


@pytest.mark.parametrize(
    "rule",
    [source_rules.upward_imports, source_rules.wrong_doors, source_rules.too_long, source_rules.vague_name],
    ids=lambda rule: rule.__name__,
)
def test_the_package_keeps_the_rule(rule: Rule) -> None:
    assert [finding for source in _SOURCES for finding in rule(source)] == []


def test_the_core_is_pure() -> None:
    core = [source for source in _SOURCES if source.layer in ("core", "words")]
    assert [finding for source in core for finding in source_rules.impurities(source)] == []


def test_the_tests_are_small_too() -> None:
    assert [finding for source in _TESTS for finding in source_rules.too_long(source)] == []


# The rules see what is wrong


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("words/a.py", "from ..core import paths"),
        ("core/a.py", "from ..edges.fsio import replace"),
        ("core/plan/a.py", "from ...edges import git"),
        ("core/plan/a.py", "from ... import edges"),
        ("edges/a.py", "def f():\n    from ..flows import runs"),
        ("edges/a.py", "from ..agents import claude"),
        ("agents/a.py", "import okstra_ctl.runs.find"),
        ("flows/a.py", "from ..ui.reply import Reply"),
        ("flows/prepare/a.py", "from ...paths import compute_run_paths"),
        ("flows/a.py", "from .. import run"),
    ],
)
def test_an_upward_import_is_seen(path: str, text: str) -> None:
    assert len(source_rules.upward_imports(Source(path, text))) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("core/a.py", "from ..words.errors import Refused\nfrom .paths import TaskFiles\nimport json"),
        ("flows/prepare/a.py", "from ... import __version__\nfrom .. import provision\nfrom ...edges import git"),
        ("agents/a.py", "from ..edges import fsio"),
        ("ui/a.py", "from ..flows import runs\nfrom ..core import paths"),
        ("paths.py", "from .core.paths import compute_run_paths\nfrom .flows import runs"),
    ],
)
def test_a_downward_import_is_none_of_its_business(path: str, text: str) -> None:
    assert source_rules.upward_imports(Source(path, text)) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("edges/git.py", "import subprocess"),
        ("flows/a.py", "def f():\n    from subprocess import run"),
        ("system/files.py", "import fcntl"),
        ("system/files.py", "from fasteners.process_lock import InterProcessLock"),
        ("system/processes.py", "import logging.handlers"),
        ("core/a.py", "from dataclasses import dataclass"),
        ("flows/a.py", "import os\nos.system('ls')"),
        ("flows/a.py", "import os\nos.execvp('ls', [])"),
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
    assert len(source_rules.impurities(Source("core/a.py", text))) == 1


def test_pure_names_are_let_in() -> None:
    text = "import os, posixpath, json, re\nos.path.join('a')\nos.fspath('a')\nposixpath.normpath('a')\nx.open()"
    assert source_rules.impurities(Source("core/a.py", text)) == []


def test_what_is_too_long_or_vague_is_seen() -> None:
    long_function = "def f():\n" + "    x = 1\n" * 60
    assert source_rules.too_long(Source("core/a.py", long_function)) == ["core/a.py:1 f: 61 lines"]
    assert source_rules.too_long(Source("core/a.py", "x = 1\n" * 401)) == ["core/a.py: 401 lines"]
    assert source_rules.too_long(Source("core/a.py", "x = 1\n" * 400)) == []
    for path in ("core/utils.py", "flows/git_helpers.py", "misc/a.py", "ui/_common.py"):
        assert source_rules.vague_name(Source(path, "")) != []
    assert source_rules.vague_name(Source("core/commonmark.py", "")) == []
