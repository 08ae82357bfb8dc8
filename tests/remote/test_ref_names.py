"""Every task key has a ref of its own that git accepts, at a fixed depth."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okstra_ctl.errors import UsageError
from okstra_ctl.names import TaskKey
from okstra_ctl.remote.ref_names import key_of, scratch_ref, task_ref
from okstra_ctl.settings.claims_remote import NAMESPACE, check_namespace

HARD = [
    "a b",
    "a..b",
    ".a",
    "a.",
    "a.lock",
    "a.lock.lock",
    "@{0}",
    "a~1^2",
    "x?*[y",
    "a\\b",
    "100%",
    "%41",
    "한글-1",
    "A",
    "-x",
]
_PART = st.one_of(st.sampled_from(HARD), st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20))


@st.composite
def keys(draw: st.DrawFn) -> TaskKey:
    try:
        return TaskKey.make(draw(_PART), draw(_PART), draw(_PART))
    except UsageError:
        return TaskKey("p", "g", "1")


@given(st.lists(keys(), min_size=1, max_size=20))
@settings(max_examples=60)
def test_a_ref_says_which_task_it_is_of(several: list[TaskKey]) -> None:
    refs = {}
    for key in several:
        try:
            refs[key] = task_ref(NAMESPACE, key)
        except UsageError:
            continue
    assert {ref: key_of(NAMESPACE, ref) for ref in refs.values()} == {ref: key for key, ref in refs.items()}
    assert all(ref.isascii() and ref.count("/") == 5 for ref in refs.values())


def test_git_accepts_every_name() -> None:
    for part in [*HARD, "".join(map(chr, range(33, 127)))]:
        for key in (TaskKey("p", "g", part), TaskKey(part.replace(":", ""), "g", "i")):
            ref = task_ref(NAMESPACE, key)
            assert subprocess.run(["git", "check-ref-format", ref]).returncode == 0, ref
            assert key_of(NAMESPACE, ref) == key or ":" in part


def test_a_scratch_ref_is_no_tasks() -> None:
    ref = scratch_ref(NAMESPACE, "0" * 32, "1" * 16)
    assert key_of(NAMESPACE, ref) is None
    assert subprocess.run(["git", "check-ref-format", ref]).returncode == 0


@pytest.mark.parametrize(
    "ref",
    ["refs/heads/main", f"{NAMESPACE}/p/g", f"{NAMESPACE}/p/g/i/x", f"{NAMESPACE}/%ff/g/i", f"{NAMESPACE}/%61/g/i"],
)
def test_any_other_ref_is_of_no_task(ref: str) -> None:
    assert key_of(NAMESPACE, ref) is None


def test_a_name_too_long_for_a_file_is_refused() -> None:
    with pytest.raises(UsageError):
        task_ref(NAMESPACE, TaskKey("p", "g", "한" * 60))


@pytest.mark.parametrize("namespace", ["refs/heads/main", "refs/heads", "refs/okstra/../x", "refs/tags/okstra-x", "x"])
def test_claims_stay_away_from_peoples_refs(namespace: str) -> None:
    with pytest.raises(UsageError):
        check_namespace(namespace)
    assert check_namespace("refs/heads/okstra-claims") == "refs/heads/okstra-claims"
