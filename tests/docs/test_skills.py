"""Skills and agents as they are installed: front matter, length, and no command that is not there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from okstra_ctl.command_table import called_by, find
from okstra_ctl.errors import UsageError
from okstra_ctl.options import build_parser
from support.sealed import ROOT

_NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(_NODE is None, reason="node is not there: skills and agents can't be put together")

# Bytes, includes put in: what an agent has to read costs tokens every time.
_BUDGETS = {"okstra-run": 3400, "okstra-lead": 3100, "okstra-inspect": 2200, "okstra-brief": 2100}
_SKILL_BUDGET, _AGENT_BUDGET = 1600, 1300
_AGENT_BUDGETS = {"claude-worker": 2500}  # a worker itself, where nothing contains workers
_FOR_PEOPLE = {f"okstra-{name}" for name in ("run", "setup", "inspect", "brief", "schedule", "memory")}
_SKILL_FIELDS = {"name", "description", "user-invocable"}
_AGENT_FIELDS = {"name", "description", "tools"}
_TOOLS = {"Read", "Grep", "Glob", "Bash", "Write"}
_PLACEHOLDERS = {
    "FILE", "KEY", "MODEL", "NOTE", "PLAN", "PROJECT", "PROMPT", "PROVIDER", "REQUEST", "ROLE", "ROOT", "RUN", "TEXT",
    "USD", "WORKTREE",
}  # fmt: skip
_EXAMPLES = {"USD": "1"}
_FORBIDDEN = re.compile(r"[$`|;&<>\\(){}]|\.\.")
_SPAN = re.compile(r"`([^`\n]+)`")
_LOOKS_LIKE_SHELL = re.compile(r"\b(bash|sh|git|cat|grep|npm|python3?|cd|export|source|curl|sed|awk|find) [-\w./]")


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built plugin: every file with its includes put in."""
    folder = tmp_path_factory.mktemp("plugin") / "okstra"
    built = subprocess.run([str(_NODE), str(ROOT / "src" / "plugin.js"), str(folder)], capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return folder


def _skill_names() -> list[str]:
    return sorted([path.parent.name for path in (ROOT / "skills").glob("*/SKILL.md")] + ["okstra-lead"])


def _agent_names() -> list[str]:
    return sorted(path.stem for path in (ROOT / "agents").glob("*.md") if path.name != "SKILL.md")


_SKILLS = [f"skills/{name}/SKILL.md" for name in _skill_names()]
_AGENTS = [f"agents/{name}.md" for name in _agent_names()]
_ALL = [*_SKILLS, *_AGENTS]


def _read(plugin: Path, name: str) -> tuple[dict[str, str], str]:
    """Front matter and body. Each field stands on one line, so that no YAML reader can take it otherwise."""
    text = (plugin / name).read_text(encoding="utf-8")
    assert text.startswith("---\n")
    head, body = text[4:].split("\n---\n", 1)
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    return fields, body


def _name_of(path: str) -> str:
    return Path(path).parent.name if path.endswith("SKILL.md") else Path(path).stem


def test_there_are_those_that_the_phases_need() -> None:
    assert set(_skill_names()) >= _FOR_PEOPLE | {
        f"okstra-{name}" for name in ("lead", "context-loader", "team-contract")
    }
    assert set(_skill_names()) >= {"okstra-convergence", "okstra-report-writer"}
    assert _agent_names() == ["claude-worker", "codex-worker", "gemini-worker", "report-writer-worker"]


@pytest.mark.parametrize("path", _ALL)
def test_front_matter(plugin: Path, path: str) -> None:
    fields, _ = _read(plugin, path)
    assert fields["name"] == _name_of(path)
    assert set(fields) <= (_AGENT_FIELDS if path in _AGENTS else _SKILL_FIELDS)
    description = fields["description"]
    assert 60 < len(description) < 300
    assert re.match(r"[\w ,'().-]+$", description.replace(":", "")), "nothing that YAML reads as something else"
    assert ": " not in description
    assert "Use " in description or "For the lead" in description, "it says when to use it"
    if path in _AGENTS:
        assert set(fields["tools"].split(", ")) <= _TOOLS
    elif _name_of(path) not in _FOR_PEOPLE | {"okstra-lead"}:
        assert fields["user-invocable"] == "false"


@pytest.mark.parametrize("path", _ALL)
def test_short_and_whole(plugin: Path, path: str) -> None:
    text = (plugin / path).read_text(encoding="utf-8")
    agents = _AGENT_BUDGETS.get(_name_of(path), _AGENT_BUDGET)
    budget = agents if path in _AGENTS else _BUDGETS.get(_name_of(path), _SKILL_BUDGET)
    assert len(text.encode()) <= budget
    assert "{{" not in text and "}}" not in text
    assert max(map(len, text.splitlines()[4:])) <= 130


@pytest.mark.parametrize("path", _ALL)
def test_every_command_is_okstra_with_literal_arguments(plugin: Path, path: str) -> None:
    _, body = _read(plugin, path)
    assert "```" not in body, "commands stand in the text, each by itself"
    for span in _SPAN.findall(body):
        if span.startswith("okstra "):
            assert not _FORBIDDEN.search(span), span
        else:
            assert not _LOOKS_LIKE_SHELL.match(span), f"a shell command that the permission does not cover: {span}"
    assert "$(" not in body and "<<" not in body


@pytest.mark.parametrize("path", _ALL)
def test_every_command_exists_with_these_arguments(plugin: Path, path: str) -> None:
    for line in _commands(_read(plugin, path)[1]):
        assert _fault(line) == "", line


@pytest.mark.parametrize("path", _ALL)
def test_words_in_capitals_are_known(plugin: Path, path: str) -> None:
    for line in _commands(_read(plugin, path)[1]):
        assert set(re.findall(r"\b[A-Z][A-Z_]+\b", line)) <= _PLACEHOLDERS, line


@pytest.mark.parametrize("path", _ALL)
def test_names_of_skills_and_agents_lead_somewhere(plugin: Path, path: str) -> None:
    for span in _SPAN.findall((plugin / path).read_text(encoding="utf-8")):
        if re.fullmatch(r"okstra-[a-z-]+", span):
            assert span in _skill_names()
        if re.fullmatch(r"[a-z-]+-worker", span):
            assert span in _agent_names()


@pytest.mark.parametrize("path", [path for path in _AGENTS if not path.endswith("report-writer-worker.md")])
def test_every_agent_leaves_the_work_to_a_contained_client(plugin: Path, path: str) -> None:
    provider = _name_of(path).removesuffix("-worker")
    assert f"`okstra worker exec {provider} ROOT MODEL PROMPT WORKTREE ROLE --json`" in _read(plugin, path)[1]


def test_every_flag_in_the_text_belongs_to_a_command_that_it_tells_of(plugin: Path) -> None:
    flags = {flag for path in _ALL for flag in _free_flags(_read(plugin, path)[1])}
    parser, _ = build_parser(find("run") or pytest.fail("no run"))
    others = {"--report-language", "--status", "--answer", "--category", "--language", "--project"}
    known = {option for action in parser._actions for option in action.option_strings} | others
    assert flags <= known


def test_every_command_that_is_named_answers_help(plugin: Path) -> None:
    named = {_command_words(line) for path in _ALL for line in _commands(_read(plugin, path)[1])}
    assert len(named) > 10
    for words in sorted(named):
        ended = subprocess.run([str(ROOT / "bin" / "okstra"), *words, "--help"], capture_output=True, text=True)
        assert ended.returncode == 0, (words, ended.stderr)
        assert ended.stdout.startswith(f"usage: okstra {words[0]}")


def test_a_command_that_is_not_there_is_noticed() -> None:
    assert _fault("okstra stage lsit --plan PLAN")
    assert _fault("okstra run --no-such-flag")
    assert _fault("okstra nothing")
    assert not _fault("okstra stage list --plan PLAN --json")


def test_the_plugin_names_this_version(plugin: Path) -> None:
    wanted = json.loads((ROOT / "package.json").read_text())["version"]
    for folder in (ROOT, plugin):
        manifest = json.loads((folder / ".claude-plugin" / "plugin.json").read_text())
        assert (manifest["name"], manifest["version"]) == ("okstra", wanted)


def _commands(body: str) -> list[str]:
    """Commands in the text; a bare command word is talk of it."""
    return [span for span in _SPAN.findall(body) if span.startswith("okstra ")]


def _free_flags(body: str) -> list[str]:
    """Flags that stand by themselves, outside of a command."""
    return [span.split()[0] for span in _SPAN.findall(body) if span.startswith("--")]


def _command_words(line: str) -> tuple[str, ...]:
    _, command, *rest = line.split()
    parser, _ = build_parser(find(command) or pytest.fail(f"no command {command}"))
    has_actions = any(type(action).__name__ == "_SubParsersAction" for action in parser._actions)
    return (command, rest[0]) if has_actions and rest else (command,)


def _fault(line: str) -> str:
    """What is wrong with a command; empty when it can be parsed, its placeholders filled in."""
    words = [_EXAMPLES.get(word, word) for word in line.split()]
    command, rest = called_by(words[1:])
    if command is None:
        return "no such command"
    parser, _ = build_parser(command)
    if len(words) <= 3 and not any(word.startswith("-") for word in words) and _is_talk(words):
        return ""
    try:
        parser.parse_args(rest)
    except UsageError as error:
        return error.message
    return ""


def _is_talk(words: list[str]) -> bool:
    """`okstra worker exec`, named without its arguments."""
    return words[1:] == ["worker", "exec"]
