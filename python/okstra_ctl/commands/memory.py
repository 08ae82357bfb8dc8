"""Notes kept across projects, in okstra's home: list, show, add, search and remove them."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ..history import memory
from ..history.memory import Note
from ..options import add_common_flags, text_from
from ..output import Reply, fields, table
from ..quoting import okstra_command
from ..services import Call
from ..system.text import printable


def configure(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="every note, the oldest first")
    show = actions.add_parser("show", help="one note")
    add = actions.add_parser("add", help="keep a note; one with a key or a password in it is refused")
    search = actions.add_parser("search", help="notes that have all the words, the best first")
    remove = actions.add_parser("remove", help="remove a note, and print it for the last time")
    for action in (show, remove):
        action.add_argument("note", metavar="NOTE", help="the note's name, as `okstra memory list` prints it")
    add.add_argument("--title", required=True, metavar="TEXT", help="one line")
    given = add.add_mutually_exclusive_group(required=True)
    given.add_argument("--text", metavar="TEXT", help="the note itself")
    given.add_argument("--from", dest="source", metavar="FILE", help="a file with it; - for stdin")
    add.add_argument("--project", metavar="ID", default="", help="the project it is about (default: it holds for all)")
    add.add_argument("--tag", metavar="WORD", action="append", default=[], help="may be repeated")
    search.add_argument("words", metavar="WORD", nargs="+", help="letters in a row, in any case")
    for action in (listed, search):
        action.add_argument("--project", metavar="ID", default="", help="notes of this project, and those for all")
        action.add_argument("--tag", metavar="WORD", default="", help="notes with this tag only")
    for action in (listed, show, add, search, remove):
        add_common_flags(action)


def execute(args: Namespace, call: Call) -> Reply:
    actions = {"list": _list, "show": _show, "add": _add, "search": _search, "remove": _remove}
    return actions[args.action](args, call)


def _list(args: Namespace, call: Call) -> Reply:
    book = memory.list_notes(call.services, project=args.project, tag=args.tag)
    rows = [
        (note.id, note.project or "-", ", ".join(note.tags) or "-", note.created, note.title) for note in book.notes
    ]
    text = table(rows, ("note", "project", "tags", "since", "title")) if rows else "no note is kept"
    return Reply({"notes": [_facts(note) for note in book.notes], "warnings": list(book.warnings)}, text, book.warnings)


def _show(args: Namespace, call: Call) -> Reply:
    note, path = memory.show(args.note, call.services)
    return Reply({**_facts(note), "text": note.text, "path": path}, _whole(note))


def _add(args: Namespace, call: Call) -> Reply:
    text = args.text if args.text is not None else text_from(args.source)
    note = memory.add(args.title, text, args.project, args.tag, call.services)
    return Reply(_facts(note), fields([("kept", note.id), ("show", okstra_command("memory", "show", note.id))]))


def _search(args: Namespace, call: Call) -> Reply:
    hits, warnings = memory.search(args.words, call.services, project=args.project, tag=args.tag)
    shown = [
        "\n".join([f"{hit.note.id}: {hit.note.title}", *(f"  {number}: {line}" for number, line in hit.lines)])
        for hit in hits
    ]
    data = [
        {
            **_facts(hit.note),
            "score": hit.score,
            "lines": [{"line": number, "text": line} for number, line in hit.lines],
        }
        for hit in hits
    ]
    text = printable("\n".join(shown)) or "no note has all of these words"
    return Reply({"notes": data, "warnings": warnings}, text, warnings)


def _remove(args: Namespace, call: Call) -> Reply:
    note = memory.remove(args.note, call.services)
    return Reply({**_facts(note), "text": note.text}, _whole(note), talk=[f"{note.id} is removed; this was it"])


def _facts(note: Note) -> dict[str, object]:
    facts = note._asdict()
    del facts["text"]
    return {**facts, "tags": list(note.tags)}


def _whole(note: Note) -> str:
    known = [("title", note.title), ("project", note.project), ("tags", ", ".join(note.tags)), ("since", note.created)]
    return printable(f"{fields(known)}\n\n{note.text}".rstrip("\n"))
