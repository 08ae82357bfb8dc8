"""The Stage Map as JSON and back."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okstra_ctl.plan.model import Stage, StageMap, Step, stage_map_from_json, stage_map_to_json

steps = st.lists(st.builds(Step, st.integers(1, 6), st.text(), st.integers(1)), max_size=6).map(tuple)
texts = st.lists(st.text(), max_size=3).map(tuple)
numbers = st.lists(st.integers(1, 9), max_size=3).map(tuple)
stage_lists = st.lists(
    st.builds(Stage, st.just(1), st.text(), numbers, texts, st.text(), steps, st.text(), st.integers(1)), max_size=4
)
EXAMPLE = StageMap(
    (Stage(1, "T", (), ("a",), "make", (Step(1, "x", 9),), "", 5), Stage(2, "U", (1,), ("b",), "c", (), "why", 6)), "d"
)


@given(stage_lists, st.text())
@settings(deadline=None)
def test_there_and_back(stages: list[Stage], digest: str) -> None:
    numbered = tuple(stage._replace(number=number) for number, stage in enumerate(stages, 1))
    stage_map = StageMap(numbered, digest)
    assert stage_map_from_json(json.loads(json.dumps(stage_map_to_json(stage_map)))) == stage_map


@pytest.mark.parametrize(
    "value", [None, [], "x", 1, {}, {"digest": "x"}, {"digest": "x", "stages": {}}, {"stages": []}]
)
def test_other_shapes_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        stage_map_from_json(value)


@pytest.mark.parametrize(
    "field", ["number", "title", "depends_on", "files", "exit_check", "steps", "tdd_exemption", "line", "proof"]
)
@pytest.mark.parametrize("wrong", [None, True, 1.5, {}, [None], [[]], "missing"])
def test_a_wrong_field_is_refused(field: str, wrong: object) -> None:
    value = copy.deepcopy(stage_map_to_json(EXAMPLE))
    stages = value["stages"]
    assert isinstance(stages, list)
    stages[0][field] = wrong
    if wrong == "missing":
        stages[0].pop(field if field != "proof" else "line")  # maps of before have no proof
    with pytest.raises(ValueError, match=r"."):
        stage_map_from_json(value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["stages", "digest", "number"]), inner),
    )
)
@settings(deadline=None)
def test_any_value_is_read_or_refused(value: object) -> None:
    try:
        stage_map_from_json(value)
    except ValueError:
        return
