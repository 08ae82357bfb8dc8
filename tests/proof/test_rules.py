"""What an outcome follows from, which files are tests, and the column `Proof`."""

from __future__ import annotations

import json

import pytest

from okstra_ctl.plan import structure
from okstra_ctl.plan.model import Stage, Step, stage_map_from_json, stage_map_to_json
from okstra_ctl.plan.rules import check_plan
from okstra_ctl.proof.rules import Outcome, kept_at_base, outcome
from okstra_ctl.proof.setup_files import signature
from support.plans import plan_text

RED_GREEN, KEPT_GREEN, NONE = "red-green", "kept-green", "none: documentation"


@pytest.mark.parametrize(
    ("proof", "head", "base", "seen"),
    [
        (RED_GREEN, True, False, "proven"),
        (RED_GREEN, True, True, "unproven"),
        (RED_GREEN, True, None, "unproven"),
        (RED_GREEN, False, False, "broken"),
        (KEPT_GREEN, True, True, "kept-green"),
        (KEPT_GREEN, True, False, "unproven"),
        (KEPT_GREEN, True, None, "unproven"),
        (KEPT_GREEN, False, True, "broken"),
        (NONE, True, None, "none"),
        (NONE, False, None, "broken"),
    ],
)
def test_the_outcome_of_two_runs(proof: str, head: bool, base: bool | None, seen: str) -> None:
    assert outcome(proof, head=head, base=base) is Outcome(seen)


def _stage(*steps: str) -> Stage:
    numbered = tuple(Step(number, text, 1) for number, text in enumerate(steps, 1))
    return Stage(1, "A", (), ("**",), "true", numbered, "", 1)


def test_tests_are_those_of_the_plan_of_the_settings_and_with_usual_names() -> None:
    stage = _stage("Write a failing test in `checks/words.sh`.", "Write `src/words.py` so that it passes.")
    changed = ("checks/words.sh", "src/words.py", "src/words.spec.ts", "tests/data.txt", "acceptance/one.txt")
    assert kept_at_base(RED_GREEN, changed, stage, ()) == ("checks/words.sh", "src/words.spec.ts", "tests/data.txt")
    assert kept_at_base(RED_GREEN, changed, stage, ("acceptance/**",))[-1] == "acceptance/one.txt"
    assert kept_at_base(KEPT_GREEN, changed, stage, (), changed[:3]) == ("tests/data.txt",)


@pytest.mark.parametrize(
    ("step", "paths"),
    [
        ("Write a failing test in `tests/test_a.py` for `src/a.py`.", ["tests/test_a.py"]),
        ("Write a failing test `checks/a.sh`.", ["checks/a.sh"]),
        ("Add a failing test for `src/a.py` to `checks/a.sh`.", ["checks/a.sh"]),
        ("Write a failing test `checks/a.sh` which calls `src/a.py`.", ["checks/a.sh"]),
        ("Add a test of `src/a.py`.", []),
        ("Write a failing test and run `sh checks/a.sh`.", []),
        ("Write `src/a.py` so that the test passes.", []),
        ("Run `pytest -q tests`.", []),
    ],
)
def test_a_step_writes_the_tests_that_it_names_and_not_what_they_are_of(step: str, paths: list[str]) -> None:
    assert structure.tests_written_by(step) == paths


@pytest.mark.parametrize(
    ("cell", "proof"),
    [
        ("", RED_GREEN),
        ("-", RED_GREEN),
        ("red-green", RED_GREEN),
        ("`Kept-Green`", KEPT_GREEN),
        ("none: documentation", NONE),
        ("None : documentation", NONE),
    ],
)
def test_the_column_is_read_and_may_be_left_out(cell: str, proof: str) -> None:
    checked = check_plan(plan_text({1: ()}, proof=cell))
    assert checked.stage_map is not None
    assert checked.stage_map.stage(1).proof == proof
    assert stage_map_from_json(json.loads(json.dumps(stage_map_to_json(checked.stage_map)))) == checked.stage_map


@pytest.mark.parametrize("cell", ["green", "none", "none:", "none: -", "red-green: because", "kept green"])
def test_s13_is_for_an_unknown_word_and_none_without_a_reason(cell: str) -> None:
    checked = check_plan(plan_text({1: ()}, proof=cell))
    errors = [(one.rule, one.line) for one in checked.findings if one.severity == "error"]
    assert errors == [("S13", 10)], checked.findings
    assert checked.stage_map is None


@pytest.mark.parametrize("proof", [RED_GREEN, "", KEPT_GREEN, NONE])
@pytest.mark.parametrize(
    "files", ["`tests/**`", "`tests/test_a.py`, `src/a.spec.ts`", "`tests/**`, `src/a.py`", "`**`"]
)
def test_s13_warns_of_a_stage_of_tests_alone_that_is_to_be_red_without_its_code(files: str, proof: str) -> None:
    checked = check_plan(plan_text({1: ()}, proof=proof).replace("`stage-1/**`", files))
    warned = [one.line for one in checked.findings if (one.rule, one.severity) == ("S13", "warning")]
    alone = "src/a.py" not in files and "`**`" not in files
    assert warned == ([10] if alone and proof in (RED_GREEN, "") else []), checked.findings
    assert checked.stage_map is not None


def test_a_map_of_before_there_were_proofs_is_red_green() -> None:
    stage_map = check_plan(plan_text({1: ()})).stage_map
    assert stage_map is not None
    old = stage_map_to_json(stage_map)
    for stage in old["stages"]:  # type: ignore[attr-defined]
        del stage["proof"]
    assert stage_map_from_json(old).stage(1).proof == RED_GREEN


def test_a_signature_follows_lock_files_settings_named_scripts_and_submodules() -> None:
    blobs = {"a/package-lock.json": "1", "src/a.py": "1", "tools/setup.sh": "1", "libs/part": "1"}
    setup = ("sh ./tools/setup.sh",)
    first = signature(blobs, setup, ["libs/part"], [])
    assert signature({**blobs, "src/a.py": "2"}, setup, ["libs/part"], []) == first
    for path in ("a/package-lock.json", "tools/setup.sh", "libs/part"):
        assert signature({**blobs, path: "2"}, setup, ["libs/part"], []) != first, path
    assert signature(blobs, ("make",), ["libs/part"], []) != first
    assert signature(blobs, setup, ["libs/part"], [["node_modules", "copy", 1]]) != first
    assert signature({**blobs, "a/package-lock.json": "2"}, (), [], []) == signature(blobs, (), [], [])
