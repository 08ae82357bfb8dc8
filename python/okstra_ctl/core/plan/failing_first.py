"""S8: a failing test comes before the code (spec 3, "The Stage Map").

How a step is judged, from its first paragraphs:
- a *test step* speaks of a test or spec and of failing or red (and not of making it pass), or writes or adds a test,
  or names a test file first; a step that begins with a code verb ("implement …") is none;
- a *running step* runs, checks, reads or commits, or has nothing but commands in backticks, and doesn't change code;
- every other step is a *code step*, unless all the paths that it names are tests, documentation or settings.
A stage passes when it has no code step, when a test step stands at or before the first one, when none of its files
can be code (a documentation or test stage), or when its section gives a reason after `TDD exemption:`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .cells import pieces, without_comments
from .file_cells import Files
from .path_kinds import is_code_path, is_test_path, looks_like_path
from .records import Finding
from .sections import Section
from .step_rules import TOOLS

_READ_AT_MOST = 4000
_NOWHERE = _READ_AT_MOST + 1

_TEST = re.compile(
    r"(?i:(?<![a-z])(?:unit)?(?:test|spec)(?:s|case|cases)?(?![a-z]))|[a-z](?:Test|Spec)s?(?![a-z])|테스트"
)
_RED = re.compile(r"(?i:(?<![a-z])(?:fail(?:s|ed|ing|ure)?|red)(?![a-z]))|실패|빨간")
_PASS = re.compile(r"(?i:(?<![a-z])(?:pass(?:es|ing)?|green)(?![a-z]))|통과|성공")
_WRITES_TEST = re.compile(
    r"(?i:(?<![a-z])(?:write|add|create|implement|extend|draft|introduce|update|adapt|prepare|author)\s+"
    r"(?:(?!and\b|then\b|so\b|to\b|that\b|until\b)[^\s`.,;:]{1,40}\s+){0,5}?(?:unit|regression)?(?:tests?|specs?)(?![a-z]))"
    r"|테스트\S{0,6}\s+(?:\S{1,20}\s+){0,2}?(?:작성|추가|구현|만들|쓴)"
)
_CODE_VERB = re.compile(
    r"(?i:(?<![a-z])(?:implement|refactor|modify|rewrite|edit|fix|change|replace|rename|move|extract|remove|delete|wire|"
    r"make|build|port|support)(?![a-z]))|구현|수정|변경|삭제|리팩터|리팩토"
)
_SURE_CODE_VERB = re.compile(
    r"(?i:(?<![a-z])(?:implement|refactor|modify|rewrite|edit)(?![a-z]))|구현|수정|변경|추가|삭제|작성"
)
_BUILDS = re.compile(r"(?i:(?<![a-z])(?:implement|refactor)(?![a-z]))|구현|리팩터|리팩토")
_RUNNING = re.compile(
    r"(?i:(?:re-?run|run|execute|verify|check|confirm|see|watch|observe|commit|read|review|inspect|look|measure|note|"
    r"record|document|install|lint|format|validate|prove|show|test|open|understand|find|locate|benchmark)(?![a-z]))"
)
_RUNNING_KOREAN = re.compile(r"실행|확인|검증|커밋|검토|읽")
_LEAD = re.compile(r"[\s*_>#\[\]()-]*")
_SPAN = re.compile(r"`+[^`]*`+")
_STOPS = ".,;:!?()[]{}<>\"'*_"


def check_test_first(sections: Iterable[tuple[Section, Files]]) -> list[Finding]:
    """The findings of S8 for sections (Section) with the files of their stage (Files)."""
    findings = []
    for section, files in sections:
        step = None if section.exemption else _unproven_step(section, files)
        if step is None:
            continue
        number, line = step
        message = (
            f"Step {number} changes code before a failing test; put a step that writes the test first, "
            "or write `TDD exemption: <reason>` in the section."
        )
        if section.exemption == "":
            message = f"`TDD exemption:` gives no reason, and step {number} changes code before a failing test."
        findings.append(Finding("S8", "error", line, message))
    return findings


def _unproven_step(section: Section, files: Files) -> tuple[int, int] | None:
    """Number and line of the first code step without a test step at or before it, or None."""
    may_be_code = any(is_code_path(pattern) for pattern in files.patterns)
    if not files.is_broken and not may_be_code:
        return None
    for raw in section.steps:
        text = without_comments(raw.step.text)[:_READ_AT_MOST]
        paths = _paths(text)
        if is_test_step(text, paths):
            return None
        # When the files of the stage aren't known, only a path in the step itself tells that it changes code.
        touches_code = any(is_code_path(path) for path in paths)
        if not paths or _BUILDS.search(_prose(text)):
            touches_code = touches_code or not files.is_broken
        if touches_code and not is_running_step(text):
            return raw.step.number, raw.step.line
    return None


def _paths(text: str) -> list[str]:
    """The paths that a step names, in backticks or bare, in order."""
    words = [word.strip(_STOPS) if word[:1] != "." else word.rstrip(_STOPS) for word in text.replace("`", " ").split()]
    return [word.split("::")[0] for word in words if looks_like_path(word.split("::")[0])]


def is_test_step(text: str, paths: list[str]) -> bool:
    """Whether a step (str), which names the given paths (list of str), writes a failing test."""
    prose = _prose(text)
    code = _start(_CODE_VERB.search(prose))
    writes = _start(_WRITES_TEST.search(prose))
    if writes <= code and writes != _NOWHERE:
        return True
    passes = _PASS.search(prose) is not None
    if paths and is_test_path(paths[0]) and not is_running_step(text):
        if not any(is_code_path(path) for path in paths) and not _BUILDS.search(prose):
            return True
        if code == _NOWHERE and not passes:
            return True
    says_test = min(_start(_TEST.search(text)), code)
    return says_test < code and _RED.search(prose) is not None and not passes


def is_running_step(text: str) -> bool:
    """Whether a step (str) runs, checks, reads or commits, and changes no code."""
    prose = _prose(text)
    if _SURE_CODE_VERB.search(prose):
        return False
    lead = _LEAD.match(prose)
    start = lead.end() if lead else 0
    return bool(_RUNNING.match(prose, start) or _RUNNING_KOREAN.search(prose)) or _only_commands(text)


def _only_commands(text: str) -> bool:
    """Whether all that a step has in backticks are commands."""
    # Only backticks count: without them "make", "go" and others are plain English.
    commands = [piece.text.split() for piece in pieces(text) if piece.is_code]
    return bool(commands) and all(words[0].casefold() in TOOLS for words in commands)


def _start(found: re.Match[str] | None) -> int:
    return found.start() if found else _NOWHERE


def _prose(text: str) -> str:
    """The step with backticks in place of each code span, so that offsets stay and quoted words don't count."""
    return _SPAN.sub(lambda found: "`" * len(found.group()), text)
