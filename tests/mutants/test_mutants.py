"""The mutants that `make mutants` makes, and a sample of them in the deciding modules that the tests must see."""

from __future__ import annotations

from pathlib import Path

import pytest

from mutants.__main__ import ROOT, SEEN, play, sample
from mutants.deciding import DECIDING
from mutants.mutation import mutants_of


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("x = a < b", ["x = a <= b"]),
        ("x = a is not b", ["x = a is b"]),
        ("x = (a) not in (b)", ["x = (a) in (b)"]),
        ("x = a and b or c", ["x = a or b or c", "x = a and b and c"]),
        ("x = not a", ["x = a"]),
        ("x = True", ["x = False"]),
        ("x = 3", ["x = (3 + 1)"]),
        ("x = any(a)", ["x = all(a)"]),
        ("if a:\n    b()", ["if not (a):\n    b()"]),
        ("for a in b:\n    continue", ["for a in b:\n    break"]),
        ("x = '한' if a else b", ["x = '한' if not (a) else b"]),
        ("x = a + b", ["x = a - b"]),
    ],
)
def test_a_decision_has_its_mutants(text: str, wanted: list[str]) -> None:
    assert [mutant.applied_to(text) for mutant in mutants_of(text)] == wanted


@pytest.mark.parametrize("text", ["x = 'text'", "def f(a: int | None) -> int | str: ...", '"""A text."""'])
def test_texts_and_annotations_have_none(text: str) -> None:
    assert mutants_of(text) == []


def test_every_mutant_of_the_deciding_modules_is_python() -> None:
    for module in DECIDING:
        text = (ROOT / "python/okstra_ctl" / module).read_text(encoding="utf-8")
        found = mutants_of(text)
        assert found
        for mutant in found:
            compile(mutant.applied_to(text), module, "exec")


def test_every_named_test_exists() -> None:
    named = {Path(path) for tests in DECIDING.values() for path in (*tests.quick, *tests.long)}
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_tests_see_a_sample() -> None:
    modules = ["proof/rules.py", "seals/rows.py", "stages/select.py"]
    cases = sample(4, 3, modules)
    assert [(str(case.mutant), result) for case, result in play(cases, 1, quick=True, show=False)] == [
        (str(case.mutant), SEEN) for case in cases
    ]
