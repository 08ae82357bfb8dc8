"""The board in letters: it fits any window, writes no escape of its own, and gives up details before runs."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.board.lines import DRAWN, PLAIN, Room, as_text, board_lines, fitted
from okstra_ctl.board.state import Board
from okstra_ctl.status import Piece
from okstra_ctl.system.text import cut, display_width
from okstra_ctl.terminal import rendered
from support.boards import AT, SINCE, board, run, worker
from support.pages import ANY_TEXT, HOSTILE

_COLOUR = re.compile(r"\x1b\[[0-9]+m")
_WIDE = st.text(st.sampled_from("가나다abc日🚀 …\u200b\u0301"), max_size=40)
_TEXT = ANY_TEXT | HOSTILE | _WIDE


def plain(made: Board, room: Room) -> list[str]:
    return [as_text(line) for line in board_lines(made, room)]


@given(_TEXT, st.integers(1, 200), st.integers(1, 60), st.sampled_from([DRAWN, PLAIN]))
def test_it_fits_any_window_whatever_the_texts(said: str, columns: int, rows: int, signs: object) -> None:
    assert isinstance(signs, type(DRAWN))
    lines = plain(board(said), Room(columns, rows, signs))
    assert len(lines) <= rows
    assert max(map(display_width, lines)) <= columns


@given(_TEXT, st.booleans())
def test_only_its_own_colours_steer_the_terminal(said: str, colour: bool) -> None:
    for line in board_lines(board(said), Room(120, None)):
        shown = rendered([line], colour=colour)
        assert "\x1b" not in (_COLOUR.sub("", shown) if colour else shown)
        assert _COLOUR.sub("", shown).isprintable()


@given(_TEXT)
def test_colour_changes_nothing_but_colour(said: str) -> None:
    for line in board_lines(board(said), Room(100, 30)):
        assert _COLOUR.sub("", rendered([line], colour=True)).rstrip() == as_text(line)


@given(st.lists(st.tuples(_TEXT, st.sampled_from(["", "good", "dim"])), max_size=6), st.integers(0, 60))
def test_a_line_is_cut_where_it_must_be_and_not_before(parts: list[tuple[str, str]], columns: int) -> None:
    line = [Piece(*part) for part in parts]
    whole = as_text(fitted(line, None, "…"))
    short = "".join(piece.text for piece in fitted(line, columns, "…"))
    assert display_width(short) <= columns
    if display_width("".join(piece.text for piece in fitted(line, None, "…"))) <= columns:
        assert short.rstrip() == whole
    elif columns:
        assert short.endswith("…")
        assert whole.startswith(short[:-1].rstrip())
        assert display_width(short) >= columns - 1, "a wide letter may leave one column"


@pytest.mark.parametrize("columns", range(8))
def test_cut_counts_korean_letters_twice(columns: int) -> None:
    assert cut("가나다", columns, "…") == ["", "…", "…", "가…", "가…", "가나…", "가나다", "가나다"][columns]


def test_details_give_way_in_order() -> None:
    told = ["      a word of the log", "codex", "blocked", "workers: "]
    made = board("Part", run("a word of the log"), unread=(), lately=(), more=0)
    tall = len(plain(made, Room(200, None)))
    seen = [[word in "\n".join(plain(made, Room(200, rows))) for word in told] for rows in range(tall, 0, -1)]
    assert seen[0] == [True, True, True, False]
    assert seen[-1] == [False] * 4
    gone = [next(place for place, row in enumerate(seen) if not row[word]) for word in range(3)]
    assert gone == sorted(set(gone)), "first the logs, then the workers, then the stages"
    assert plain(made, Room(200, 2))[1].startswith("running  demo:core:T-1/implementation/stage-3/001")


def test_what_is_left_out_is_counted() -> None:
    runs = [run(run_id=f"demo:core:T-1/error-analysis/{number:03d}") for number in range(1, 31)]
    lines = plain(board("x", *runs), Room(100, 10))
    assert len(lines) == 10
    left = re.fullmatch(r"… ([0-9]+) more lines: okstra status", lines[-1])
    assert left is not None
    assert len([line for line in lines if "T-1/error-analysis" in line]) == 8
    assert int(left[1]) >= 30 - 8


def test_nothing_in_work_is_said() -> None:
    assert plain(Board(AT, ()), Room(80, 24)) == [f"nothing is in work  {AT}"]


def test_what_is_not_known_of_the_cost_is_said() -> None:
    assert any("cost at least $0.41" in line for line in plain(board(), Room()))
    nothing = run()._replace(spent=None)
    assert not any("cost" in line for line in plain(board("x", nothing), Room()))
    assert not any("cost" in line for line in plain(board("x", run()._replace(rehearsal=True)), Room()))


def test_times_are_told_since_the_run_and_since_the_turn_began() -> None:
    text = "\n".join(plain(board("x", run()), Room()))
    assert "implementation/stage-3/001  2 min 10 s" in text
    assert re.search(r"claude +running +2 min 10 s", text)
    assert re.search(r"codex +error +round-1  attempt 2  1 min 01 s", text)
    later = run()._replace(workers=(worker(state="running", attempt=1, since="2026-11-23T15:21:00Z"),), since=SINCE)
    assert re.search(r"claude +running +a-model", "\n".join(plain(board("x", later), Room()))), "a clock was set back"
