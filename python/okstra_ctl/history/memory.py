"""The memory book: notes kept across projects, each a file. The index beside them is derived from the files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ..errors import Busy, OkstraError, Refused, Unreadable, UsageError, WorkFailed
from ..services import Services, ensure_home
from ..system import files as fsio
from ..system.locks import LockKind, locked
from ..system.secrets import hide
from .notes import Hit, Note, format_note, id_for, is_for, new_note, parse_note
from .notes import search as search_notes

INDEX_SCHEMA = "memory-index/1"
_SUFFIX = ".md"


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
        fsio.make_folder(services.home.memory_book)
        fsio.discard_stale_temporaries(services.home.memory_book, below=False)
        note = note._replace(id=id_for(note.title, [file.id.casefold() for file in _files(services)]))
        fsio.replace(_path(services, note.id), content.encode())
    return note


def _refuse_secrets(text: str, content: str) -> None:
    if not hide(content)[1]:
        return
    found = [f"line {number}: {kind}" for number, line in enumerate(text.split("\n"), 1) for kind in hide(line)[1]]
    told = "; ".join(found) or "title or tags: " + ", ".join(hide(content)[1])
    hint = "take it out and say where it is kept instead"
    raise Refused("holds-secret", f"the note would keep a secret ({told})", hint=hint)


def list_notes(services: Services, *, project: str = "", tag: str = "") -> Book:
    """Every note, oldest first, without its text; from the index if the file did not change."""
    known = _index(services)
    files, warnings, rows = _files(services), [], {}
    for file in files:
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


def remove(note_id: str, services: Services) -> Note:
    """Removes a note and returns it. Raises UsageError (`not-found`), Unreadable, WorkFailed (`write-failed`)."""
    with locked(LockKind.INDEX, services.home.memory_lock):
        file = _find(note_id, services)
        note, _ = _read(file)
        try:
            os.unlink(file.path)
            fsio.sync_folder(services.home.memory_book)
        except OSError as error:
            fsio.raise_write_failed(file.path, error)
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
    data = fsio.read_bytes(file.path)
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
        found = (fsio.read_json(services.home.memory_index, INDEX_SCHEMA) or {}).get("notes")
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
            fsio.replace(services.home.memory_index, fsio.json_bytes(document), durable=False)
    except (Busy, WorkFailed):
        return
