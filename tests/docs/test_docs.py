"""The documentation is true: reference pages equal the code, links lead somewhere, named commands exist."""

from __future__ import annotations

import importlib
import json
import re
import shlex
import subprocess

import pytest

from okstra_ctl.command_table import called_by, find
from okstra_ctl.errors import UsageError
from okstra_ctl.help_pages import page_of
from okstra_ctl.options import build_parser
from okstra_ctl.reference import pages
from support.sealed import ROOT

_PAGES = [
    ROOT / "README.md",
    ROOT / "README.kr.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGES.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
_LINK = re.compile(r"\]\(([^)#]*)(?:#([^)]*))?\)|(?:src|srcset)=\"([^\"]+)\"")
_FOLDERS = "tests|bench|demo|bin|lib|src|prompts|schemas|validators|skills"
_PATH = re.compile(rf"`((?:{_FOLDERS})/[\w./-]+|\w+/[\w./]+\.py)`")
_INLINE = re.compile(r"`(okstra (?!-)[^`\n]*)`")
_IN_FENCE = re.compile(r"(?:^(?:\$ )?|\$\()(okstra (?!-)[^\n]*)", re.M)
_PUBLIC = {
    "run": ("prepare_task_bundle", "PrepareInputs", "PrepareError", "StageSelection"),
    "paths": ("compute_run_paths",),
    "run_context": ("compute_and_write_run_context",),
    "consumers": ("read_consumers", "append_consumer"),
    "worktree": ("provision_task_worktree", "provision_stage_worktree", "StageWorktree"),
    "worktree_registry": ("list_active_stage_numbers", "set_implementation_base", "get_implementation_base"),
    "backfill": ("backfill",),
    "reconcile": ("reconcile", "rebuild"),
    "wizard": ("start", "step", "prompt"),
    "index": ("append", "newest_rows"),
}


@pytest.mark.parametrize("name", sorted(pages()))
def test_a_reference_page_is_what_the_code_says(name: str) -> None:
    page = ROOT / "docs" / "reference" / name
    assert page.read_text(encoding="utf-8") == pages()[name], "run `make docs`"


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: object) -> None:
    assert hasattr(page, "read_text") and hasattr(page, "parent")
    text = page.read_text(encoding="utf-8")
    links = [(target or picture, anchor) for target, anchor, picture in _LINK.findall(text) if "://" not in target]
    assert [target for target, _ in links if target and not (page.parent / target).exists()] == []
    anchored = [(page.parent / target if target else page, anchor) for target, anchor in links if anchor]
    assert [anchor for place, anchor in anchored if anchor not in _anchors(place.read_text(encoding="utf-8"))] == []


def test_an_anchor_is_made_of_a_heading_as_github_does() -> None:
    text = "# A `b` c\n\n```\n# no heading\n```\n## Ports, and services\n## A `b` c\n"
    assert _anchors(text) == {"a-b-c", "ports-and-services", "a-b-c-1"}


def _anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", "".join(text.split("```")[::2]), re.M)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    return {f"{one}-{plain[:place].count(one)}" if one in plain[:place] else one for place, one in enumerate(plain)}


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_of_this_project_that_a_page_names_is_there(page: object) -> None:
    assert hasattr(page, "read_text")
    parts = page.read_text(encoding="utf-8").split("```")[::2]
    named = {path for part in parts for path in _PATH.findall(part)}
    places = (ROOT, ROOT / "python" / "okstra_ctl")
    assert [path for path in sorted(named) if not any((place / path).exists() for place in places)] == []


def test_no_file_has_a_merge_conflict_left_in_it() -> None:
    argv = ["git", "grep", "-lE", "^(<{7}|>{7}) "]
    found = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
    if found.returncode == 128:
        pytest.skip("not a checkout")
    assert (found.stdout, found.returncode) == ("", 1)


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_a_page_names_exists(page: object) -> None:
    assert hasattr(page, "read_text")
    named = _commands(page.read_text(encoding="utf-8"))
    assert [line for line in named if (fault := _fault(line)) and not _is_prose(line, fault)] == []


def test_every_section_that_a_runs_manifest_may_have_is_documented() -> None:
    text = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    part = text.partition("### The run's manifest\n")[2].partition("\n### ")[0]
    schema = json.loads((ROOT / "schemas" / "run-manifest-v1.schema.json").read_text(encoding="utf-8"))
    assert [name for name in schema["properties"] if name != "schema" and f"`{name}`" not in part] == []
    handoff = schema["properties"]["handoff"]["properties"]
    assert [name for name in handoff if f"`{name}`" not in part] == []


def test_the_readme_is_short_and_its_first_lines_can_be_run() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 160
    quick = lines[lines.index("```") + 1 :][:3]
    assert lines.index("```") < 12
    assert [line.split()[0] for line in quick] == ["npm", "okstra", "okstra"]
    korean = (ROOT / "README.kr.md").read_text(encoding="utf-8").splitlines()
    in_korean = korean[korean.index("```") + 1 :][:3]
    assert [line.split()[:2] for line in in_korean] == [line.split()[:2] for line in quick], "the same three commands"


def test_the_tutorial_names_commands_at_all() -> None:
    text = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    assert len(_commands(text)) > 10


def test_a_command_that_does_not_exist_is_noticed() -> None:
    assert _fault("okstra stage lsit --plan P")
    assert _fault("okstra run --no-such-flag")
    assert not _fault("okstra stage list --plan P")


@pytest.mark.parametrize("module", sorted(_PUBLIC))
def test_public_names_are_importable(module: str) -> None:
    loaded = importlib.import_module(f"okstra_ctl.{module}")
    assert [name for name in _PUBLIC[module] if not hasattr(loaded, name)] == []


def _commands(text: str) -> list[str]:
    """Commands in fenced blocks and in inline code; words in running text are no commands."""
    parts = text.replace("\\\n", " ").split("```")
    fenced = [line.strip() for part in parts[1::2] for line in _IN_FENCE.findall(part)]
    return fenced + [line.strip() for part in parts[::2] for line in _INLINE.findall(part)]


def _fault(line: str) -> str:
    """What is wrong with a command line of the documentation; empty when it can be parsed."""
    words = _words(line)
    if len(words) == 3 and words[1] == "help":
        return "" if page_of(words[2]) or find(words[2]) or words[2] == "COMMAND" else "no such help"
    command, rest = called_by(words[1:])
    if command is None:
        return "no such command"
    parser, _ = build_parser(command)
    if len(words) == 2 or "…" in words or "--help" in words:
        return ""
    try:
        parser.parse_args(rest)
    except UsageError as error:
        return error.message
    return ""


def _words(line: str) -> list[str]:
    plain = re.split(r"\s{2,}#|\s#\s|[;|&]|\)\"|\)$|, ", line)[0].rstrip(" .:;,)\\")
    try:
        return shlex.split(plain)
    except ValueError:
        return plain.split()


def _is_prose(line: str, fault: str) -> bool:
    """A command named without its arguments is talked about; install's own tests know its flags (tests/node)."""
    placeholder = not {"COMMAND", "NAME", "SHELL"}.isdisjoint(_words(line)[1:3])
    return placeholder or "required" in fault or _words(line)[1] in ("install", "uninstall")
