"""A note of the memory book: a markdown file with its facts in the frontmatter; and finding notes by words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from ..errors import UsageError
from ..markdown import BOM, find_frontmatter, split_lines
from ..names import SEGMENT_MAX_BYTES, slugify_task_segment

SCHEMA = "memory-note/1"
MAX_BYTES = 256 * 1024
_FIELD = re.compile(r"([a-z][a-z-]*):[ \t]*(.*?)[ \t]*$")
_TAG = re.compile(r"[\w.-]{1,64}\Z")
_WEIGHT_OF_TITLE, _MOST_FOR_BODY, _SHOWN_LINES = 5, 10, 3


class Note(NamedTuple):
    """`project` is empty for a note that holds everywhere; `text` is the note without its frontmatter."""

    id: str
    title: str
    project: str
    tags: tuple[str, ...]
    created: str
    text: str = ""


class Hit(NamedTuple):
    """A note that has all the words, with the first lines in which one stands, numbered as in the file."""

    note: Note
    score: int
    lines: tuple[tuple[int, str], ...]


def new_note(title: str, text: str, project: str, tags: Sequence[str], created: str) -> Note:
    """A note without an id. Raises UsageError (`usage`, `input-missing`)."""
    shown = " ".join(title.split())
    if not shown or not shown.isprintable():
        raise UsageError("usage", f"the title is {title!r}", hint="one line of text that can be printed")
    if not text.strip():
        raise UsageError("input-missing", "the note has no text", hint="--text TEXT, or --from FILE (- for stdin)")
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise UsageError("usage", "the note is not UTF-8 text", hint="save it as UTF-8")
    if len(text.encode()) > MAX_BYTES:
        raise UsageError("usage", f"the note is longer than {MAX_BYTES // 1024} KiB", hint="note what was learnt of it")
    if project and (":" in project or not project.isprintable() or project != project.strip()):
        raise UsageError(
            "bad-identity", f"{project!r} is no project id", hint="leave it out for a note that holds for all"
        )
    wrong = [tag for tag in tags if not _TAG.match(tag)]
    if wrong:
        raise UsageError("usage", f"the tag {wrong[0]!r} can't be", hint="letters, digits, '.', '_' and '-'")
    return Note("", shown, project, tuple(dict.fromkeys(tags)), created, text.strip("\n") + "\n")


def id_for(title: str, taken: Sequence[str]) -> str:
    """A name for the note's file that is not taken yet, as like the title as can be."""
    stem = _stem(title)
    numbered = (f"{stem}-{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (stem, *numbered) if name not in taken)


def _stem(title: str) -> str:
    """The title as a folder's name would be folded; cut where it is too long for one."""
    for length in range(len(title), 0, -1):
        if len(title[:length].encode("utf-8", "replace")) > SEGMENT_MAX_BYTES:
            continue
        try:
            return slugify_task_segment(title[:length])
        except UsageError:  # no letter or digit in it, or the folding made it longer
            continue
    return "note"


def format_note(note: Note) -> str:
    lines = ["---", f"schema: {SCHEMA}", f"title: {note.title}"]
    lines += [f"project: {note.project}"] if note.project else []
    lines += [f"tags: {', '.join(note.tags)}"] if note.tags else []
    return "\n".join([*lines, f"created: {note.created}", "---", "", note.text])


def parse_note(note_id: str, content: str) -> Note:
    """Reads a note as leniently as can be: a file that a person laid there has its first heading for a title."""
    block = find_frontmatter(content)
    lines = split_lines(content.removeprefix(BOM))
    head = lines[: block.line_count] if block else []
    fields = {found[1]: found[2] for line in head if (found := _FIELD.match(line))}
    body = lines[len(head) :]
    title = fields.get("title") or next((line.strip("# ") for line in body if line.startswith("# ")), "") or note_id
    tags = tuple(tag.strip() for tag in fields.get("tags", "").split(",") if tag.strip())
    return Note(
        note_id, title, fields.get("project", ""), tags, fields.get("created", ""), "\n".join(body).lstrip("\n")
    )


def is_for(note: Note, project: str, tag: str) -> bool:
    """Whether a note is meant: one of the project, or of none; and with the tag, when one is asked for."""
    return (not project or note.project in ("", project)) and (not tag or tag in note.tags)


def search(notes: Sequence[tuple[Note, str]], words: Sequence[str]) -> list[Hit]:
    """The notes (each with its file's content) that have every word somewhere, the best first."""
    wanted = [_folded(word) for word in words if word.strip()]
    hits = [hit for note, content in notes if (hit := _hit(note, content, wanted)) is not None]
    return sorted(hits, key=lambda hit: (-hit.score, hit.note.id))


def _hit(note: Note, content: str, wanted: Sequence[str]) -> Hit | None:
    named, body = _folded(f"{note.title} {' '.join(note.tags)} {note.id}"), _folded(note.text)
    scores = [_WEIGHT_OF_TITLE * (word in named) + min(body.count(word), _MOST_FOR_BODY) for word in wanted]
    if not wanted or not all(scores):
        return None
    lines = split_lines(content)
    start = len(lines) - len(split_lines(note.text))
    found = [
        (number, line.strip())
        for number, line in enumerate(lines, 1)
        if number > start and any(word in _folded(line) for word in wanted)
    ]
    return Hit(note, sum(scores), tuple(found[:_SHOWN_LINES]))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
