"""What a remote has is hostile: what is read is small, of this schema and of this task, and is written back whole."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from okstra_ctl.names import TaskKey
from okstra_ctl.remote import shared_task as rules
from okstra_ctl.remote.task_document import MOST_BYTES, SharedFiles, dump_files, dump_task, parse_files, parse_task
from okstra_ctl.system.text import DocumentError
from support.schemas import faults
from support.shared_tasks import AT, COMMIT, KEY, claimed, holder


def whole() -> dict[str, Any]:
    """A document that has everything."""
    state = rules.publish_done(
        claimed(1, 2), 1, epoch=1, token="t1", head=COMMIT, exit_check="status 0", proof="proven"
    )
    state = rules.claim_integration(state, holder("m2", "job-1"), "i1", at=AT)
    document: dict[str, Any] = json.loads(dump_task(state))
    return document


def read(document: object) -> rules.SharedTask:
    return parse_task(json.dumps(document).encode(), KEY)


def test_a_whole_document_fits_its_schema_and_comes_back() -> None:
    assert faults(whole(), "shared-task") == []
    assert json.loads(dump_task(read(whole()))) == whole()


def test_fields_of_a_newer_okstra_are_written_back() -> None:
    document = whole()
    document["fleet"] = {"a": [1]}
    document["stages"]["2"]["mood"] = "good"
    document["integration"]["note"] = "x"
    state = rules.renew(read(document), {2: "t2"})
    back = json.loads(dump_task(state))
    assert (back["fleet"], back["stages"]["2"]["mood"], back["integration"]["note"]) == ({"a": [1]}, "good", "x")
    assert faults(back, "shared-task") == []


_WRONG: list[object] = [
    None,
    True,
    -1,
    1.5,
    10**12,
    "",
    "x\x1b[31m",
    "../../etc",
    [],
    {},
    ["a"],
    {"a": 1},
    "\ud800",
    "x" * 5000,
]


def _places(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if path:
        yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _places(inner, (*path, name))


def test_whatever_is_wrong_is_refused_or_fits_the_schema() -> None:
    """Each field with each of many values, and left out: nothing gets in that the schema does not allow."""
    refused = 0
    for path in _places(whole()):
        for value in [*_WRONG, _WRONG]:
            document = copy.deepcopy(whole())
            inner: Any = document
            for name in path[:-1]:
                inner = inner[name]
            if value is _WRONG:
                del inner[path[-1]]
            else:
                inner[path[-1]] = value
            try:
                state = read(document)
            except DocumentError:
                refused += 1
                continue
            assert faults(document, "shared-task") == [], (path, value)
            assert json.loads(dump_task(state)) == document
    assert refused > 500


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"\xff{}",
        b'{"schema": "shared-task/2"}',
        b"[" * 100_000,
        b'{"schema": "shared-task/1", "key": NaN}',
        b'{"schema": "shared-task/1", "key": ' + b"9" * 10_000 + b"}",
    ],
)
def test_what_is_no_such_document_is_refused(data: bytes) -> None:
    with pytest.raises(DocumentError):
        parse_task(data, KEY)


def test_a_document_of_another_task_is_refused() -> None:
    with pytest.raises(DocumentError, match="another task"):
        parse_task(json.dumps(whole()).encode(), TaskKey("demo", "core", "T-2"))
    document = whole()
    document["stages"]["1"]["run_id"] = "demo:core:T-2/implementation/stage-1/001"
    with pytest.raises(DocumentError):
        read(document)


@pytest.mark.parametrize(
    "more",
    [
        {"run.sh": b"x"},
        {"../x": b"x"},
        {"task.json": bytes(1_048_577)},
        {"plan.md": bytes(1_048_577)},
        {"consumers.jsonl": b"x" * 8_388_608 + b"\n"},
        {"consumers.jsonl": b"{}\n" * 10_001},
        {"consumers.jsonl": b'{"cut": "off'},
    ],
)
def test_other_files_and_large_ones_are_refused(more: dict[str, bytes]) -> None:
    with pytest.raises(DocumentError):
        parse_files({"task.json": json.dumps(whole()).encode(), **more}, KEY)


def test_what_others_would_refuse_is_not_written() -> None:
    with pytest.raises(DocumentError):
        dump_files(SharedFiles(read(whole()), plan=bytes(MOST_BYTES["plan.md"] + 1)))
    with pytest.raises(DocumentError):
        dump_files(SharedFiles(claimed(1, by=holder(host="a\nb"))))


def test_files_of_just_the_largest_size_are_read() -> None:
    task = json.dumps(whole()).encode()
    plan, rows = b"p" * 1_048_576, b"x" * 8_388_607 + b"\n"
    found = parse_files({"task.json": task.ljust(1_048_576), "plan.md": plan, "consumers.jsonl": rows}, KEY)
    assert (found.plan, found.rows) == (plan, rows)


def test_a_document_has_at_most_1000_stages_and_2000_kinds_of_runs() -> None:
    document = whole()
    stage = document["stages"]["2"]

    def with_counts(stages: int, runs: int) -> dict[str, Any]:
        numbered = {
            str(number): {**stage, "run_id": f"{KEY}/implementation/stage-{number}/001"}
            for number in range(1, stages + 1)
        }
        kinds = {f"implementation/stage-{number}": 2 for number in range(1, runs + 1)}
        return {**document, "stages": numbered, "next_runs": kinds}

    assert len(read(with_counts(1000, 2000)).stages) == 1000
    for stages, runs in ((1001, 1), (1, 2001)):
        with pytest.raises(DocumentError, match="more than 1000 stages"):
            read(with_counts(stages, runs))


@pytest.mark.parametrize("field", ["schema", "anchor"])
def test_of_a_long_wrong_value_60_characters_are_shown(field: str) -> None:
    with pytest.raises(DocumentError, match=f"'{'x' * 60}'"):
        read({**whole(), field: "x" * 5000})
    document = whole()
    document["stages"]["2"]["epoch"] = 10**80
    with pytest.raises(DocumentError, match=f"'1{'0' * 59}'"):
        read(document)
