"""The memory book: notes kept across projects, each a file. The index beside them is derived from the files.

A note is a markdown file with its facts in the frontmatter.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ..errors import Busy, OkstraError, Refused, Unreadable, UsageError, WorkFailed
from ..markdown import BOM, find_frontmatter, split_lines
from ..names import SEGMENT_MAX_BYTES, slugify_task_segment
from ..services import Services, ensure_home
from ..system import files
from ..system.locks import LockKind, locked
from ..system.secrets import hide
from ..tasks.brief import FIELD_LINE

SCHEMA = "memory-note/1"
MAX_BYTES = 256 * 1024
_TAG = re.compile(r"[\w.-]{1,64}\Z")
_WEIGHT_OF_TITLE, _MOST_FOR_BODY, _SHOWN_LINES = 5, 10, 3
INDEX_SCHEMA = "memory-index/1"
_SUFFIX = ".md"


def search_notes(notes: Sequence[tuple[Note, str]], words: Sequence[str]) -> list[Hit]:
    """The notes (each with its file's content) that have every word somewhere, the best first."""
    wanted = [_folded(word) for word in words if word.strip()]
    hits = [hit for note, content in notes if (hit := _hit(note, content, wanted)) is not None]
    return sorted(hits, key=lambda hit: (-hit.score, hit.note.id))


class Book(NamedTuple):
    """The notes that could be read, and warnings about the others."""

    notes: tuple[Note, ...]
    warnings: tuple[str, ...]


class _File(NamedTuple):
    id: str
    path: str
    size: int
    mtime_ns: int


def add(title: str, text: str, project: str, tags: Sequence[str], services: Services) -> Note:
    """Writes a note. Raises UsageError (`usage`, `input-missing`, `bad-identity`), Refused (`holds-secret`)."""
    note = new_note(title, text, project, tags, services.clock.now())
    content = format_note(note)
    _refuse_secrets(text, content)
    ensure_home(services.home)
    with locked(LockKind.INDEX, services.home.memory_lock):
        files.make_folder(services.home.memory_book)
        files.discard_stale_temporaries(services.home.memory_book, below=False)
        note = note._replace(id=id_for(note.title, [file.id.casefold() for file in _files(services)]))
        files.replace(_path(services, note.id), content.encode())
    return note


def _refuse_secrets(text: str, content: str) -> None:
    if not hide(content)[1]:
        return
    found = [f"line {number}: {kind}" for number, line in enumerate(text.split("\n"), 1) for kind in hide(line)[1]]
    reasons = "; ".join(found) or "title or tags: " + ", ".join(hide(content)[1])
    hint = "take it out and say where it is kept instead"
    raise Refused("holds-secret", f"the note would keep a secret ({reasons})", hint=hint)


def list_notes(services: Services, *, project: str = "", tag: str = "") -> Book:
    """Every note, oldest first, without its text; from the index if the file did not change."""
    known = _index(services)
    paths, warnings, rows = _files(services), [], {}
    for file in paths:
        row = known.get(file.id)
        if row is None or (row["size"], row["mtime_ns"]) != (file.size, file.mtime_ns):
            try:
                row = _row(_read(file)[0], file)
            except Unreadable as error:
                warnings.append(f"{file.path}: {error.message}")
                continue
        rows[file.id] = row
    if rows != known:
        _keep_index(services, rows)
    notes = [_note_of(name, row) for name, row in rows.items()]
    chosen = sorted((note for note in notes if is_for(note, project, tag)), key=lambda note: (note.created, note.id))
    return Book(tuple(chosen), tuple(warnings))


def show(note_id: str, services: Services) -> tuple[Note, str]:
    """A note, and its file's path. Raises UsageError (`not-found`), Unreadable."""
    file = _find(note_id, services)
    return _read(file)[0], file.path


def remove(note_id: str, services: Services) -> Note:
    """Removes a note and returns it. Raises UsageError (`not-found`), Unreadable, WorkFailed (`write-failed`)."""
    with locked(LockKind.INDEX, services.home.memory_lock):
        file = _find(note_id, services)
        note, _ = _read(file)
        try:
            os.unlink(file.path)
            files.sync_folder(services.home.memory_book)
        except OSError as error:
            files.raise_write_failed(file.path, error)
    return note


def _path(services: Services, note_id: str) -> str:
    return os.path.join(services.home.memory_book, f"{note_id}{_SUFFIX}")


def _find(note_id: str, services: Services) -> _File:
    file = next((file for file in _files(services) if file.id == note_id), None)
    if file is None:
        hint = "okstra memory list shows them"
        raise UsageError("not-found", f"there is no note {note_id!r}", where=services.home.memory_book, hint=hint)
    return file


def _files(services: Services) -> list[_File]:
    return sorted(_scan(services.home.memory_book))


def _scan(folder: str) -> Iterator[_File]:
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    except OSError as error:
        raise Unreadable("state-unreadable", f"it can't be read: {error.strerror}", where=folder) from error
    for entry in entries:
        if entry.name.endswith(_SUFFIX) and not entry.name.startswith(".") and entry.is_file():
            found = entry.stat()
            yield _File(entry.name[: -len(_SUFFIX)], entry.path, found.st_size, found.st_mtime_ns)


def _read(file: _File) -> tuple[Note, str]:
    """Raises Unreadable (`state-unreadable`)."""
    data = files.read_bytes(file.path)
    try:
        content = (data or b"").decode("utf-8")
    except UnicodeDecodeError as error:
        hint = "save it as UTF-8, or move it away"
        raise Unreadable("state-unreadable", "it is not UTF-8 text", where=file.path, hint=hint) from error
    return parse_note(file.id, content), content


def _row(note: Note, file: _File) -> dict[str, object]:
    facts = {"title": note.title, "project": note.project, "tags": list(note.tags), "created": note.created}
    return {**facts, "size": file.size, "mtime_ns": file.mtime_ns}


def _note_of(note_id: str, row: Mapping[str, object]) -> Note:
    tags = row["tags"]
    assert isinstance(tags, list)
    return Note(note_id, str(row["title"]), str(row["project"]), tuple(map(str, tags)), str(row["created"]))


def _index(services: Services) -> dict[str, dict[str, object]]:
    """The rows of the index; none when it is missing or damaged, because the files hold everything."""
    try:
        found = (files.read_json(services.home.memory_index, INDEX_SCHEMA) or {}).get("notes")
    except OkstraError:
        return {}
    rows = found.items() if isinstance(found, dict) else ()
    return {name: row for name, row in rows if isinstance(row, dict) and _is_sound(row)}


def _is_sound(row: Mapping[str, object]) -> bool:
    texts = all(isinstance(row.get(name), str) for name in ("title", "project", "created"))
    return texts and isinstance(row.get("tags"), list) and {"size", "mtime_ns"} <= row.keys()


def _keep_index(services: Services, rows: Mapping[str, object]) -> None:
    """Writes the index. A failure is ignored: notes can be listed without it."""
    try:
        with locked(LockKind.INDEX, services.home.memory_lock, timeout=0.0):
            document = {"schema": INDEX_SCHEMA, "notes": rows}
            files.replace(services.home.memory_index, files.json_bytes(document), durable=False)
    except (Busy, WorkFailed):
        return


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
    fields = {found[1]: found[2] for line in head if (found := FIELD_LINE.match(line))}
    body = lines[len(head) :]
    title = fields.get("title") or next((line.strip("# ") for line in body if line.startswith("# ")), "") or note_id
    tags = tuple(tag.strip() for tag in fields.get("tags", "").split(",") if tag.strip())
    return Note(
        note_id, title, fields.get("project", ""), tags, fields.get("created", ""), "\n".join(body).lstrip("\n")
    )


def is_for(note: Note, project: str, tag: str) -> bool:
    """Whether a note is meant: one of the project, or of none; and with the tag, when one is asked for."""
    return (not project or note.project in ("", project)) and (not tag or tag in note.tags)


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


def search(
    words: Sequence[str], services: Services, *, project: str = "", tag: str = ""
) -> tuple[list[Hit], list[str]]:
    """The notes that have all the words, the best first, and what could not be read."""
    read, warnings = [], []
    for file in _files(services):
        try:
            note, content = _read(file)
        except Unreadable as error:
            warnings.append(f"{file.path}: {error.message}")
            continue
        if is_for(note, project, tag):
            read.append((note, content))
    return search_notes(read, words), warnings
