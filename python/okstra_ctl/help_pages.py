"""The pages of `okstra help`: the short one, all commands, and topics. From the tables, in 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .command_table import COMMANDS, EARLIER, IN_NODE, REST
from .errors import EXIT_MEANINGS
from .help_texts import ENVIRONMENT, EXAMPLES, SCRIPTING

ALL = "all"
TOPICS = ("exit-codes", "environment", "scripting")
_COLUMNS = 80
_HEAD = (
    "okstra: coding agents do a task in stages, check one another, and keep a record",
    "",
    "Usage: okstra COMMAND [ARGS] [--json] [--quiet] [--no-input] [--no-color]",
)
_FIRST = (
    "",
    "First time? No account needed, and nothing of yours is touched:",
    "  $ okstra demo",
    "",
    "In a git repository of yours:",
    "  $ okstra init",
    '  $ okstra run "Parse errors should name the file"',
    "  $ okstra next",
)
_TAIL = (
    "",
    "okstra help COMMAND   help with examples     okstra help all   every command",
    f"okstra help {' | '.join(TOPICS)}",
)


def top_page(*, first_time: bool) -> str:
    """The commands of every day. `first_time`: with how to begin."""
    return "\n".join([*_HEAD, *(_FIRST if first_time else ()), *_groups(rest=False), *_TAIL])


def page_of(topic: str) -> str | None:
    """The page of a topic; None when there is none."""
    pages: Mapping[str, str] = {
        ALL: "\n".join([*_HEAD, *_groups(rest=True)]),
        "exit-codes": "\n".join(_rows({str(code): text for code, text in EXIT_MEANINGS.items()})),
        "environment": "\n".join(_rows(ENVIRONMENT)),
        "scripting": SCRIPTING.rstrip(),
    }
    return pages.get(topic)


def examples_of(command: str) -> str:
    """The command's examples, as its help ends with them; empty without any."""
    rows = EXAMPLES.get(command, ())
    lines = [line for words, meaning in rows for line in (f"  # {meaning}", f"  $ okstra {words}")]
    return "\n".join(["examples:", *lines]) if rows else ""


def nearest(word: str, known: Iterator[str] | tuple[str, ...] | list[str]) -> str:
    """The word that was probably meant; empty when none is near."""
    import difflib  # slow to import, and seldom needed

    return (difflib.get_close_matches(word, list(known), 1) or [""])[0]


def _groups(*, rest: bool) -> Iterator[str]:
    for group in dict.fromkeys(command.group for command in COMMANDS):
        if group not in (REST, EARLIER) or rest:
            yield from ("", group)
            yield from _rows({one.name: one.shown_summary for one in COMMANDS if one.group == group})
    if rest:
        yield from ("", "Installation (Node.js)", *_rows(dict(IN_NODE)))


def _rows(rows: Mapping[str, str]) -> Iterator[str]:
    """Names and texts below each other; a long text goes on under itself."""
    import textwrap  # as above

    width = min(max(map(len, rows)), 27)
    for name, text in rows.items():
        first, *more = textwrap.wrap(text, _COLUMNS - width - 4)
        yield f"  {name:<{width}}  {first}" if len(name) <= width else f"  {name}\n  {'':<{width}}  {first}"
        yield from (f"  {'':<{width}}  {line}" for line in more)
