"""Ports of worktrees: one number, one worktree, as long as that has its claim."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.claims import ports
from okstra_ctl.claims.registry_document import RegistryDoc, StageClaim, TaskClaim
from okstra_ctl.errors import WorkFailed
from okstra_ctl.names import StageKey, TaskKey
from okstra_ctl.status import ClaimStatus

NAMES = ("PORT", "DB_PORT")
TASKS = [TaskKey.make("demo", "core", f"T-{number}") for number in range(3)]


def task_claim(key: TaskKey, status: ClaimStatus = ClaimStatus.ACTIVE) -> TaskClaim:
    return TaskClaim(f"/w/{key.task_id}", f"b/{key.task_id}", "c", "/p", status, "2026-11-30T00:00:00Z")


def stage_claim(key: StageKey) -> StageClaim:
    return StageClaim(
        f"/w/{key}", f"b/{key}", "c", "/p", ClaimStatus.ACTIVE, f"{key.task}/x/001", None, "", 1, "t", "/plan", "d"
    )


def everything(doc: RegistryDoc) -> list[int]:
    return [number for numbers in doc.ports().values() for number in numbers.values()]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["claim", "stage", "reserve", "reserve stage", "checkout", "done", "remove", "remove stage"]
            ),
            st.integers(0, 2),
        ),
        max_size=25,
    ),
    st.sets(st.integers(20_000, 20_040)),
)
def test_no_number_is_ever_two_places_and_none_outlives_its_claim(steps: list[tuple[str, int]], busy: set[int]) -> None:
    doc = RegistryDoc()
    for step, number in steps:
        key = TASKS[number]
        stage = StageKey(key, 1)
        place = {"reserve stage": str(stage), "checkout": ports.place_of_checkout(key, "head")}.get(step, str(key))
        if step == "claim":
            doc.put_task(key, task_claim(key))
        elif step == "stage":
            doc.put_stage(stage, stage_claim(stage))
        elif step == "done" and (claim := doc.task(key)):
            doc.put_task(key, claim._replace(status=ClaimStatus.DONE))
        elif step == "remove":
            doc.remove_task(key)
        elif step == "remove stage":
            doc.remove_stage(stage)
        elif step != "done":
            claimed = ports.is_claimed(doc, place)
            before = doc.ports().get(place, {}) if claimed else {}
            had = ports.reserve(doc, place, NAMES, lambda one: one not in busy)
            assert set(had) == (set(NAMES) if claimed else set())
            assert not before or had == before
            assert before or not busy.intersection(had.values())
            assert all(ports.is_claimed(doc, one) for one in doc.ports())
        assert len(set(everything(doc))) == len(everything(doc))
    assert RegistryDoc.parse(doc.dump()).ports() == doc.ports()


def test_a_number_that_was_taken_is_replaced_only_before_anything_uses_it() -> None:
    doc, key = RegistryDoc(), TASKS[0]
    doc.put_task(key, task_claim(key))
    first = ports.reserve(doc, str(key), ("PORT", "DB_PORT"), lambda one: True)
    taken = first["PORT"]
    assert ports.reserve(doc, str(key), ("PORT", "DB_PORT"), lambda one: one != taken) == first
    anew = ports.reserve(doc, str(key), ("PORT", "DB_PORT"), lambda one: one != taken, anew=True)
    assert anew["PORT"] != taken and anew["DB_PORT"] == first["DB_PORT"]


def test_without_a_free_number_it_says_what_to_do() -> None:
    doc = RegistryDoc()
    doc.put_task(TASKS[0], task_claim(TASKS[0]))
    with pytest.raises(WorkFailed) as failed:
        ports.reserve(doc, str(TASKS[0]), ("PORT",), lambda one: False)
    assert failed.value.code == "no-port-free"
    assert "okstra worktree list" in failed.value.hint


def test_registries_without_ports_are_written_as_before() -> None:
    doc = RegistryDoc()
    doc.put_task(TASKS[0], task_claim(TASKS[0]))
    assert b"ports" not in doc.dump()
    assert RegistryDoc.parse(doc.dump()).equals(doc)


@pytest.mark.parametrize("name", ["PORT", "DB_PORT", "port_2", "_P", "NODE_PORT"])
def test_names_of_variables(name: str) -> None:
    assert ports.bad_name(name) == ""


@pytest.mark.parametrize(
    "name",
    [
        *("", "1PORT", "A-B", "A B", "PORT=1", "PÖRT", "P\n", "x" * 65, None, 7),
        *(
            "PATH",
            "path",
            "HOME",
            "LD_PRELOAD",
            "LD_PORT",
            "GIT_DIR",
            "OKSTRA_PORT",
            "DYLD_X",
            "BASH_ENV",
            "NODE_OPTIONS",
        ),
    ],
)
def test_names_that_would_break_programs_are_refused(name: object) -> None:
    assert ports.bad_name(name) != ""
