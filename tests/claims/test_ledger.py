"""The ledger: what its rows say (core), and how they get into the file (edge)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.claims import ledger_file
from okstra_ctl.claims.ledger_rows import LedgerRow, fold, ids_of, overruled_row, row_id, rows_of, started_row
from okstra_ctl.errors import Unreadable
from okstra_ctl.names import Owner, StageKey, TaskKey
from okstra_ctl.status import LedgerStatus
from support import schemas

_KEY, _DIGEST, _OTHER = "p:g:1", "a" * 64, "b" * 64
_STATUSES = st.sampled_from(list(LedgerStatus))


def _row(stage: int = 1, status: str = "started", epoch: int = 1, digest: str = _DIGEST, **more: object) -> LedgerRow:
    run = f"{_KEY}/implementation/stage-{stage}/001"
    fields = {
        "id": row_id(run, epoch, LedgerStatus(status)),
        "impl_task_key": _KEY,
        "stage": stage,
        "status": LedgerStatus(status),
        "at": "2026-01-01T00:00:00Z",
        "run_id": run,
        "epoch": epoch,
        "plan_digest": digest,
        "head_commit": "c" * 40,
        **more,
    }
    return LedgerRow(**fields)  # type: ignore[arg-type]


def _lines(*rows: LedgerRow) -> list[bytes]:
    return [json.dumps(row.to_json()).encode() for row in rows]


def _newest(*rows: LedgerRow) -> dict[int, str]:
    view = fold(_lines(*rows), task_key=_KEY, plan_digest=_DIGEST)
    return {stage: str(row.status) for stage, row in view.newest.items()}


def test_a_row_matches_its_schema() -> None:
    assert schemas.faults(_row().to_json(), "ledger-row") == []
    assert schemas.faults(_row(owner=Owner("h", "b", 1, "2"), note="why").to_json(), "ledger-row") == []


def test_the_newest_row_of_a_stage_decides() -> None:
    assert _newest(_row(1), _row(2), _row(1, "done"), _row(2, "released")) == {1: "done", 2: "released"}
    assert _newest(_row(1, "done"), _row(1, "superseded")) == {1: "superseded"}
    assert _newest(_row(1, "released"), _row(1, "started", epoch=2)) == {1: "started"}


def test_order_in_the_file_counts_not_the_clock() -> None:
    assert _newest(_row(1, "released", at="2027-01-01T00:00:00Z"), _row(1, "done")) == {1: "done"}


def test_a_late_row_of_something_earlier_is_not_newer() -> None:
    """Its writer stood still, or the row was made good after a crash."""
    assert _newest(_row(1, "done"), _row(1, "started")) == {1: "done"}
    assert _newest(_row(1, "done"), _row(1, "released")) == {1: "done"}, "what is done can't be given back"
    assert _newest(_row(1, "released", 2), _row(1, "started", 1)) == {1: "released"}
    assert _newest(_row(1, "done", 1), _row(1, "started", 2), _row(1, "superseded", 1)) == {1: "started"}


def test_of_two_runs_of_one_epoch_the_later_row_counts() -> None:
    """Ledgers of degraded runs can have that: an epoch that two runs took side by side."""
    assert _newest(_row(1, "done"), _row(1, "started", run_id="another")) == {1: "started"}


def test_each_further_overrule_has_a_row_of_its_own_and_a_repeated_one_none() -> None:
    done = _row(1, "done")
    first = overruled_row(done._replace(overrule="one"), [done])
    assert first is not None and (first.id, first.overrule) == (f"{done.id}-overruled", "one")
    second = overruled_row(done._replace(overrule="two"), [done, first])
    assert second is not None and second.id == f"{done.id}-overruled-2"
    third = overruled_row(done._replace(overrule="three"), [done, first, second])
    assert third is not None and third.id == f"{done.id}-overruled-3"
    for again in ("one", "two"):
        assert overruled_row(done._replace(overrule=again), [done, first, second]) is None
    assert overruled_row(done._replace(overrule="one"), [_row(2, "done", overrule="one")]) is not None


def test_a_row_without_an_epoch_has_none() -> None:
    row = _row(1, "done").to_json()
    del row["epoch"]
    assert LedgerRow.from_json(row).epoch == 0


def test_rows_are_found_after_lines_that_are_none() -> None:
    rows = [_row(1), _row(2)]
    one, other = _lines(*rows)
    assert rows_of([b"{", one, b"[]", b"", other]) == rows


def test_another_digest_does_not_count_but_its_epochs_do() -> None:
    rows = _lines(_row(1, "started", 1), _row(1, "done", 4, _OTHER), _row(2, "done", 2, _OTHER))
    view = fold(rows, task_key=_KEY, plan_digest=_DIGEST)
    assert {stage: row.status for stage, row in view.newest.items()} == {1: LedgerStatus.STARTED}
    assert view.epochs == {1: 4, 2: 2}
    assert len(view.ids) == 3


def test_another_tasks_rows_do_not_count() -> None:
    view = fold(_lines(_row(1, "done", 9, impl_task_key="p:g:2")), task_key=_KEY, plan_digest=_DIGEST)
    assert (view.newest, view.epochs, view.ids, view.unreadable) == ({}, {}, frozenset(), ())


@pytest.mark.parametrize(
    "garbage",
    [
        b'{"v": 1, "stage": 1, "sta',
        b"\xff\xfe\x00",
        b"null",
        b"[]",
        b"3",
        b"{}",
        json.dumps(_row().to_json() | {"v": 0}).encode(),
        json.dumps(_row().to_json() | {"v": "2"}).encode(),
        json.dumps(_row().to_json() | {"stage": "1"}).encode(),
        json.dumps(_row().to_json() | {"epoch": None}).encode(),
        json.dumps(_row().to_json() | {"status": "finished"}).encode(),
        json.dumps(_row().to_json() | {"owner": "me"}).encode(),
        b"[" * 100_000,
        b'{"v": 1, "stage": ' + b"9" * 5000 + b"}",
    ],
    ids=lambda garbage: repr(garbage[-30:]),
)
def test_garbage_is_named_by_its_line_and_passed_over(garbage: bytes) -> None:
    before, after = _lines(_row(1), _row(1, "done"))
    view = fold([before, b"", garbage, after], task_key=_KEY, plan_digest=_DIGEST)
    assert view.unreadable == (3,)
    assert view.newest[1].status is LedgerStatus.DONE


_ROWS = st.builds(
    _row,
    st.integers(1, 3),
    _STATUSES.map(str),
    st.integers(1, 5),
    st.sampled_from([_DIGEST, _OTHER]),
    impl_task_key=st.sampled_from([_KEY, "p:g:2"]),
    note=st.text(max_size=8),
    owner=st.none() | st.builds(Owner, st.text(max_size=5), st.just("b"), st.integers(1, 99), st.just("s")),
)


def test_a_row_of_a_newer_okstra_is_no_garbage() -> None:
    """Passed over, it would make a stage free that somebody has."""
    newer = json.dumps(_row(1, "done").to_json() | {"v": 2, "status": "finished"}).encode()
    view = fold([*_lines(_row(1)), newer], task_key=_KEY, plan_digest=_DIGEST)
    assert (view.newer, view.unreadable) == ((2,), ())


_FINALITY = {"started": 0, "released": 1, "done": 2, "superseded": 3}


@given(_ROWS)
def test_rows_round_trip(row: LedgerRow) -> None:
    assert LedgerRow.from_json(json.loads(json.dumps(row.to_json()))) == row


@given(st.lists(_ROWS | st.sampled_from([b"torn", b"", b"  "]), max_size=20))
def test_fold_against_a_dict(items: list[LedgerRow | bytes]) -> None:
    lines = [item if isinstance(item, bytes) else _lines(item)[0] for item in items]
    mine = [item for item in items if isinstance(item, LedgerRow) and item.impl_task_key == _KEY]
    view = fold(lines, task_key=_KEY, plan_digest=_DIGEST)
    for stage in {row.stage for row in mine if row.plan_digest == _DIGEST}:
        told = [row for row in mine if (row.stage, row.plan_digest) == (stage, _DIGEST)]
        last_hold = [row for row in told if row.epoch == max(row.epoch for row in told)]
        in_order = enumerate(last_hold)  # by place: a row may stand in the file twice
        assert view.newest[stage] == max(in_order, key=lambda one: (_FINALITY[one[1].status], one[0]))[1]
    assert view.newest.keys() == {row.stage for row in mine if row.plan_digest == _DIGEST}
    assert view.ids == {row.id for row in mine}
    assert view.epochs == {
        stage: max(row.epoch for row in mine if row.stage == stage) for stage in {row.stage for row in mine}
    }
    assert view.unreadable == tuple(number for number, line in enumerate(lines, 1) if line == b"torn")


def test_a_started_row_is_derived_from_its_reservation() -> None:
    key = StageKey(TaskKey.parse(_KEY), 3)
    rows = [started_row(key, run_id="r", epoch=2, digest=_DIGEST, base="c", at="t") for _ in range(2)]
    assert rows[0] == rows[1]
    assert (rows[0].id, rows[0].stage, rows[0].impl_task_key) == ("r@2:started", 3, _KEY)


# The file


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "consumers.jsonl")


def _read(path: str) -> dict[int, str]:
    view = ledger_file.read(path, task_key=_KEY, plan_digest=_DIGEST)
    return {stage: str(row.status) for stage, row in view.newest.items()}


def test_no_ledger_says_nothing(path: str) -> None:
    assert _read(path) == {}
    assert ledger_file.highest_epoch(path, task_key=_KEY, stage=1) == 0
    assert ledger_file.row_named(path, _row(1).id) is None


def test_append_and_read(path: str) -> None:
    assert ledger_file.append(path, [_row(1), _row(2)]) == 2
    assert ledger_file.append(path, [_row(1, "done")]) == 1
    assert _read(path) == {1: "done", 2: "started"}


def test_a_digest_that_is_no_text_has_no_rows(path: str) -> None:
    """A damaged manifest can bring one in."""
    ledger_file.append(path, [_row(1)])
    assert ledger_file.read(path, task_key=_KEY, plan_digest="\ud800").newest == {}


def test_the_same_row_is_written_once(path: str) -> None:
    assert ledger_file.append(path, [_row(1), _row(1)]) == 1
    assert ledger_file.append(path, [_row(1)]) == 0
    assert len(Path(path).read_bytes().splitlines()) == 1


def test_a_row_that_only_mentions_an_id_does_not_stand_for_it(path: str) -> None:
    ledger_file.append(path, [_row(2, note=f'"id": "{_row(1).id}"')])
    assert not ledger_file.contains_all(path, [_row(1)])
    assert ledger_file.append(path, [_row(1)]) == 1
    assert ledger_file.contains_all(path, [_row(1), _row(2)])


def test_a_torn_tail_is_left_out_and_set_aside_by_the_next_row(path: str) -> None:
    ledger_file.append(path, [_row(1)])
    torn = _lines(_row(1, "done"))[0][:40]
    with Path(path).open("ab") as file:
        file.write(torn)
    assert _read(path) == {1: "started"}
    ledger_file.append(path, [_row(2)])
    assert _read(path) == {1: "started", 2: "started"}
    assert torn in Path(f"{path}.torn").read_bytes()


def test_a_whole_row_without_its_newline_is_not_there_yet(path: str) -> None:
    Path(path).write_bytes(_lines(_row(1, "done"))[0])
    assert _read(path) == {}
    assert ledger_file.append(path, [_row(1, "done")]) == 1
    assert _read(path) == {1: "done"}


def test_the_highest_epoch_counts_over_all_digests(path: str) -> None:
    ledger_file.append(path, [_row(1, epoch=2), _row(1, epoch=5, digest=_OTHER), _row(11, epoch=9), _row(2, epoch=7)])
    ledger_file.append(path, [_row(1, epoch=8, impl_task_key="p:g:2")._replace(id="another task's")])
    assert ledger_file.highest_epoch(path, task_key=_KEY, stage=1) == 5
    assert ledger_file.highest_epoch(path, task_key=_KEY, stage=3) == 0


def test_a_row_is_found_by_its_id_under_any_digest(path: str) -> None:
    ledger_file.append(path, [_row(1, note=f'"id": "{_row(2).id}"'), _row(2, digest=_OTHER)])
    assert ledger_file.row_named(path, _row(2).id) == _row(2, digest=_OTHER)
    assert ledger_file.row_named(path, _row(3).id) is None


def test_a_row_of_a_newer_okstra_is_refused_under_its_digest_and_never_written_again(path: str) -> None:
    newer = json.dumps(_row(1, "done").to_json() | {"v": 2}).encode()
    Path(path).write_bytes(newer + b"\n")
    with pytest.raises(Unreadable, match="newer okstra"):
        _read(path)
    assert ledger_file.read(path, task_key=_KEY, plan_digest=_OTHER).newest == {}
    assert ledger_file.append(path, [_row(1, "done")]) == 0
    assert Path(path).read_bytes() == newer + b"\n"


def test_a_long_history_is_read_to_its_newest_row(path: str) -> None:
    ledger_file.append(path, [_row(epoch=epoch) for epoch in range(1, 101)])
    assert ledger_file.read(path, task_key=_KEY, plan_digest=_DIGEST).newest == {1: _row(epoch=100)}


def test_ids_are_read_of_rows_of_every_version_and_of_nothing_else() -> None:
    lines = [b'{"id": "a", "v": 99}', b'{"v": 1}', b"null", b"[]", b'"id"', b"{", b'{"id": "b"}']
    assert ids_of(lines) == {"a", "b"}
