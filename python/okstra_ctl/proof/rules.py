"""What a stage's exit check shows: by its exit at the stage's head, and without the stage's code."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from ..plan.globs import matches
from ..plan.model import KEPT_GREEN, NO_PROOF, RED_GREEN, Stage
from ..plan.structure import is_test_path, tests_written_by
from ..status import Word


class Outcome(Word):
    PROVEN = "proven"
    """Green at the head, red without the stage's code."""
    UNPROVEN = "unproven"
    """Green without the code as well; or not green at the base, though the plan says that it stays green."""
    BROKEN = "broken"
    """Red at the head."""
    KEPT_GREEN = "kept-green"
    NONE = "none"
    """Green at the head, and the plan says why that is all that can be asked."""


def kind_of(proof: str) -> str:
    """The word of a stage's `proof`, without a reason."""
    return proof.partition(":")[0]


def has_base(proof: str) -> bool:
    """Whether the check is to be run a second time."""
    return kind_of(proof) != NO_PROOF


def outcome(proof: str, *, head: bool, base: bool | None) -> Outcome:
    """`head`, `base`: whether the check was green there; None where it was not run, or did not end."""
    if not head:
        return Outcome.BROKEN
    if not has_base(proof):
        return Outcome.NONE
    if kind_of(proof) == KEPT_GREEN:
        return Outcome.KEPT_GREEN if base is True else Outcome.UNPROVEN
    return Outcome.PROVEN if base is False else Outcome.UNPROVEN


def test_files(changed: Iterable[str], stage: Stage, patterns: Sequence[str]) -> tuple[str, ...]:
    """Those of the stage's files that are tests: written by a test step of the plan, named by `testPaths`, or with a
    usual name. They stay when the stage's code is put back; all the rest is its code."""
    named = [path for step in stage.steps for path in tests_written_by(step.text)]
    wanted = (*named, *patterns)
    return tuple(path for path in changed if is_test_path(path) or any(matches(one, path) for one in wanted))


def kept_at_base(
    proof: str, changed: Iterable[str], stage: Stage, patterns: Sequence[str], at_base: Container[str] = ()
) -> tuple[str, ...]:
    """The files that stay in the second run. A refactoring is compared with the base as it was, by the tests of then
    and those that are new: `at_base` are the files that the base has."""
    tests = test_files(changed, stage, patterns) if has_base(proof) else ()
    return tests if kind_of(proof) == RED_GREEN else tuple(path for path in tests if path not in at_base)


def changes_no_code(proof: str, changed: Iterable[str], kept: Iterable[str]) -> bool:
    """Whether the second run would have the very files of the first: then it shows nothing but chance."""
    return kind_of(proof) == RED_GREEN and set(changed) <= set(kept)
