"""`okstra memory`: notes stay whole and findable, whoever writes at the same time, and keep no secret."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from okstra_ctl.history.memory import Note, format_note, id_for, new_note, parse_note
from okstra_ctl.system.files import TEMPORARY_SUFFIX
from support import schemas
from support.okstra import Okstra

_KEY = "sk-ant-" + "a1B2c3" * 6


def book_of(okstra: Okstra) -> Path:
    return Path(okstra.environment["OKSTRA_HOME"]) / "memory-book"


def add(okstra: Okstra, title: str, text: str, *more: str) -> str:
    return str(okstra.ok("memory", "add", "--title", title, "--text", text, *more, "--json").data["id"])


def found(okstra: Okstra, *args: str) -> list[str]:
    return [note["id"] for note in okstra.ok("memory", *args, "--json").data["notes"]]


def test_a_note_is_kept_listed_shown_and_removed(okstra: Okstra) -> None:
    note = add(okstra, "Ports of the tests", "The tests take port 8080.", "--project", "shop", "--tag", "ci")
    assert note == "ports-of-the-tests"
    path = book_of(okstra) / f"{note}.md"
    assert (path.stat().st_mode & 0o777, book_of(okstra).stat().st_mode & 0o777) == (0o600, 0o700)
    shown = okstra.ok("memory", "show", note, "--json").data
    assert (shown["title"], shown["project"], shown["tags"]) == ("Ports of the tests", "shop", ["ci"])
    assert shown["text"] == "The tests take port 8080.\n"
    assert found(okstra, "list") == [note]
    removed = okstra.ok("memory", "remove", note)
    assert "The tests take port 8080." in removed.stdout, "what is removed by mistake can be kept again"
    assert not path.exists() and found(okstra, "list") == []
    assert okstra("memory", "show", note, "--json").codes == ["not-found"]


def test_the_same_title_makes_another_note(okstra: Okstra) -> None:
    assert [add(okstra, "A/B test!", text) for text in ("one", "two", "three")] == [
        "a-b-test",
        "a-b-test-2",
        "a-b-test-3",
    ]


def test_notes_of_a_project_are_found_with_those_for_all(okstra: Okstra) -> None:
    shop = add(okstra, "shop", "x", "--project", "shop")
    general = add(okstra, "general", "x", "--tag", "git")
    add(okstra, "blog", "x", "--project", "blog")
    assert set(found(okstra, "list", "--project", "shop")) == {shop, general}
    assert found(okstra, "search", "x", "--project", "shop", "--tag", "git") == [general]


def test_search_wants_every_word_and_puts_titles_first(okstra: Okstra) -> None:
    body = add(okstra, "Something", "flaky\nThe port is taken; the port again")
    title = add(okstra, "Port of the database", "It is flaky.")
    add(okstra, "Other", "port")
    korean = add(okstra, "세션 만료", "로그아웃 뒤에도 세션이 남는다")
    assert found(okstra, "search", "FLAKY", "port") == [title, body]
    assert found(okstra, "search", "세션") == [korean]
    assert found(okstra, "search", "nowhere") == []
    hit = okstra.ok("memory", "search", "port", "--json").data["notes"]
    lines = {one["id"]: one["lines"] for one in hit}[body]
    number = (book_of(okstra) / f"{body}.md").read_text().splitlines().index("The port is taken; the port again") + 1
    assert lines == [{"line": number, "text": "The port is taken; the port again"}]


@pytest.mark.parametrize(
    ("title", "text", "told"),
    [
        ("Login", f"first line\nexport ANTHROPIC_API_KEY={_KEY}\n", "line 2: Anthropic key"),
        (f"Key {_KEY}", "harmless", "title or tags: Anthropic key"),
        ("Pem", "a\nb\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n", "line 3: private key"),
    ],
)
def test_a_secret_is_refused_by_kind_and_line_and_never_shown(okstra: Okstra, title: str, text: str, told: str) -> None:
    refused = okstra("memory", "add", "--title", title, "--text", text, "--json")
    assert (refused.status, refused.codes) == (3, ["holds-secret"])
    assert told in refused.stderr
    assert _KEY not in refused.stdout + refused.stderr and "MIIE" not in refused.stdout + refused.stderr
    assert not book_of(okstra).exists()


def test_what_can_be_no_note_is_refused(okstra: Okstra, tmp_path: Path) -> None:
    latin = tmp_path / "latin.txt"
    latin.write_bytes(b"caf\xe9")
    os.mkfifo(tmp_path / "fifo")
    long = tmp_path / "long.txt"
    long.write_text("x" * 300_000)
    for args, code in (
        (("--title", "T", "--text", "  "), "input-missing"),
        (("--title", " ", "--text", "x"), "usage"),
        (("--title", "a\x1b[2J", "--text", "x"), "usage"),
        (("--title", "T"), "usage"),
        (("--title", "T", "--text", "x", "--tag", "a,b"), "usage"),
        (("--title", "T", "--text", "x", "--project", "a:b"), "bad-identity"),
        (("--title", "T", "--from", tmp_path / "none"), "not-found"),
        (("--title", "T", "--from", latin), "usage"),
        (("--title", "T", "--from", tmp_path / "fifo"), "state-unreadable"),
        (("--title", "T", "--from", "-"), "input-missing"),  # stdin is empty
        (("--title", "T", "--from", long), "usage"),
    ):
        assert okstra("memory", "add", *args, "--json").codes == [code], args
    assert not book_of(okstra).exists()


def test_no_name_leads_out_of_the_book(okstra: Okstra) -> None:
    add(okstra, "a", "x")
    outside = book_of(okstra).parent / "outside.md"
    outside.write_text("mine")
    for name in ("../outside", str(outside.with_suffix("")), "", ".", "index.json"):
        assert okstra("memory", "remove", name, "--json").codes == ["not-found"], name
    assert outside.exists()


def test_the_index_follows_the_files_whatever_becomes_of_it(okstra: Okstra) -> None:
    first = add(okstra, "first", "x")
    book, index = book_of(okstra), book_of(okstra) / "index.json"
    assert found(okstra, "list") == [first]
    assert schemas.faults_of_file(index) == []
    (book / "by-hand.md").write_text("# Laid there\n\nby a person\n")
    (book / f"{first}.md").write_text((book / f"{first}.md").read_text().replace("title: first", "title: renamed"))
    titles = {note["title"] for note in okstra.ok("memory", "list", "--json").data["notes"]}
    assert titles == {"renamed", "Laid there"}
    assert set(json.loads(index.read_text())["notes"]) == {first, "by-hand"}
    for damage in (b"{", b'{"schema": "memory-index/1", "notes": {"first": {"title": 3}}}', b'{"schema": "other/9"}'):
        index.write_bytes(damage)
        assert set(found(okstra, "list")) == {first, "by-hand"}
        assert schemas.faults_of_file(index) == []
    index.unlink()
    (book / "broken.md").write_bytes(b"\xff\xfe")
    listed = okstra.ok("memory", "list", "--json")
    assert {note["id"] for note in listed.data["notes"]} == {first, "by-hand"}
    assert "broken.md" in listed.data["warnings"][0] and "broken.md" in listed.stderr


def test_what_a_killed_writer_left_is_no_note_and_goes(okstra: Okstra) -> None:
    add(okstra, "first", "x")
    left = book_of(okstra) / f".second.md{TEMPORARY_SUFFIX}"
    left.write_text("half a no")
    os.utime(left, (0, 0))
    assert found(okstra, "list") == ["first"]
    assert add(okstra, "third", "x") == "third"
    assert not left.exists()


def test_many_at_once_keep_every_note(okstra: Okstra) -> None:
    with ThreadPoolExecutor(6) as pool:
        names = list(pool.map(lambda number: add(okstra, "same title", f"note {number}"), range(12)))
    assert len(set(names)) == 12
    texts = {okstra.ok("memory", "show", name, "--json").data["text"] for name in names}
    assert texts == {f"note {number}\n" for number in range(12)}


@pytest.mark.parametrize("title", ["x" * 300, "가" * 100, "!!!", "…", "ﬁ" * 60])
def test_every_title_gives_a_name_for_a_file(title: str) -> None:
    name = id_for(title, [])
    assert 0 < len(name.encode()) <= 64 and "/" not in name and not name.startswith(".")
    assert id_for(title, [name]) == f"{name}-2"


def test_what_is_written_is_what_is_read() -> None:
    note = new_note(
        "T: with --- and #", "---\ntitle: other\n---\n# x\n", "shop", ["a", "b", "a"], "2026-01-01T00:00:00Z"
    )
    assert parse_note("n", format_note(note)) == note._replace(id="n")
    assert parse_note("n", "plain") == Note("n", "n", "", (), "", "plain")
