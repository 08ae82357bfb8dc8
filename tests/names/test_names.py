"""Task keys, stage keys, run ids and the slugs that folders and branches are made of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.errors import UsageError
from okstra_ctl.names import (
    SEGMENT_MAX_BYTES,
    RunId,
    StageKey,
    TaskKey,
    branch_segment,
    check_new_key,
    check_project_id,
    format_seq,
    parse_place_key,
    slugify_task_segment,
)

_TASK_TYPES = st.sampled_from(["implementation", "error-analysis", "release-handoff"])
_NAMES = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=12)


def _is_part(text: str) -> bool:
    try:
        TaskKey.make("p", "g", text)
    except UsageError:
        return False
    return True


_TASK_IDS = _NAMES.filter(_is_part)
_PARTS = _TASK_IDS.filter(lambda text: ":" not in text)
_KEYS = st.builds(TaskKey, _PARTS, _PARTS, _TASK_IDS)


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("DEV-9436", "dev-9436"),
        ("a/b:c", "a-b-c"),
        ("로그인 오류", "로그인-오류"),
        ("로그인", "로그인"),  # decomposed letters are put together
        ("ＡＢＣ１", "abc1"),
        ("  --Fix the thing!--  ", "fix-the-thing"),
        ("v1.2_rc", "v1.2_rc"),
        ("..hidden..", "hidden"),
        ("-rf", "rf"),
        ("a - - b", "a-b"),
        ("../../etc/passwd", "etc-passwd"),
        ("🚀 launch 🚀", "launch"),
    ],
)
def test_slug(text: str, slug: str) -> None:
    assert slugify_task_segment(text) == slug


@pytest.mark.parametrize("text", ["", " ", "...", "-", "/", "..", "🚀", "!?"])
def test_slug_of_nothing_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        slugify_task_segment(text)
    assert refused.value.code == "bad-identity"
    assert repr(text) in refused.value.message


def test_slug_of_64_bytes_is_the_longest() -> None:
    assert slugify_task_segment("a" * 64) == "a" * 64
    assert len(slugify_task_segment("가" * 21).encode()) == 63
    for long in ("a" * 65, "가" * 22):
        with pytest.raises(UsageError, match="longer than 64 bytes"):
            slugify_task_segment(long)


@given(st.text(max_size=40))
def test_slug_keeps_to_its_letters_and_is_its_own_slug(text: str) -> None:
    try:
        slug = slugify_task_segment(text)
    except UsageError:
        return
    assert all(char.isalnum() or char in "._-" for char in slug)
    assert not slug.startswith(("-", ".")) and not slug.endswith(("-", "."))
    assert "--" not in slug
    assert slug == slug.lower()
    assert 0 < len(slug.encode()) <= SEGMENT_MAX_BYTES
    assert slugify_task_segment(slug) == slug


@pytest.mark.parametrize(
    ("slug", "segment"),
    [("t-1", "t-1"), ("a..b", "a.b"), ("a....b", "a.b"), ("x.lock", "x-lock"), ("x.locks", "x.locks")],
)
def test_branch_segment_leaves_out_what_git_forbids(slug: str, segment: str) -> None:
    assert branch_segment(slug) == segment


@given(_KEYS)
def test_task_key_round_trip(key: TaskKey) -> None:
    assert TaskKey.parse(str(key)) == key
    assert parse_place_key(str(key)) == key


@given(_KEYS, st.integers(1, 10**6))
def test_stage_key_round_trip(task: TaskKey, stage: int) -> None:
    key = StageKey(task, stage)
    assert StageKey.parse(str(key)) == key
    assert parse_place_key(str(key)) == key


@given(_KEYS, _TASK_TYPES, st.none() | st.integers(1, 99), st.integers(1, 12345))
def test_run_id_round_trip(task: TaskKey, task_type: str, stage: int | None, seq: int) -> None:
    run = RunId(task, task_type, stage, seq)
    assert RunId.parse(str(run)) == run


@given(_KEYS, st.integers(1, 99))
def test_a_task_id_that_looks_like_a_run_is_told_from_one(task: TaskKey, seq: int) -> None:
    nasty = TaskKey.make(task.project_id, task.task_group, f"{task.task_id}/implementation/stage-2/001")
    run = RunId(nasty, "implementation", 3, seq)
    assert RunId.parse(str(run)) == run


def test_run_ids_as_the_spec_writes_them() -> None:
    assert RunId.is_one("p:g:i/implementation/stage-3/001")
    key = TaskKey("demo", "core", "T-1")
    assert str(RunId(key, "implementation", 3, 7)) == "demo:core:T-1/implementation/stage-3/007"
    assert str(RunId(key, "error-analysis", None, 1)) == "demo:core:T-1/error-analysis/001"
    assert str(RunId(key, "implementation", 3, 7).stage_key) == "demo:core:T-1#stage-3"
    assert RunId(key, "error-analysis", None, 1).stage_key is None
    assert [format_seq(seq) for seq in (1, 999, 1000)] == ["001", "999", "1000"]


def test_a_task_id_may_hold_colons() -> None:
    assert TaskKey.parse("p:g:a:b") == TaskKey("p", "g", "a:b")
    assert TaskKey.parse("p:g:a:b").id_segment == "a-b"


@pytest.mark.parametrize(
    "text", ["", "p", "p:g", "::", "p::i", ":g:i", "p:g:", "p:g:i#stage-1", "p:g:a\nb", "p:g:\x1b[31m"]
)
def test_bad_task_keys(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        TaskKey.parse(text)
    assert refused.value.code == "bad-identity"


@pytest.mark.parametrize("parts", [("a:b", "g", "i"), ("p", "a:b", "i"), ("p", "g", "i#stage-3"), ("p", "g", "\ud800")])
def test_bad_parts_of_a_task_key(parts: tuple[str, str, str]) -> None:
    with pytest.raises(UsageError) as refused:
        TaskKey.make(*parts)
    assert refused.value.code == "bad-identity"


@pytest.mark.parametrize(
    "text", ["p:g:i", "p:g:i#stage-0", "p:g:i#stage-01", "p:g#stage-1", "p:g:i#stage-x", "p:g:i#stage-1\n"]
)
def test_bad_stage_keys(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        StageKey.parse(text)
    assert refused.value.code == "bad-identity"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "p:g:i",
        "p:g:i/implementation",
        "p:g:i/implementation/1",
        "p:g:i/implementation/01",
        "p:g:i/implementation/stage-0/001",
        "p:g:i/Implementation/001",
        "p:g:i/implementation/001/",
        "p:g:i/implementation/001\n",
        "p:g/implementation/001",
        "/implementation/001",
    ],
)
def test_bad_run_ids(text: str) -> None:
    assert not RunId.is_one(text)
    with pytest.raises(UsageError) as refused:
        RunId.parse(text)
    assert refused.value.code == "bad-identity"


@pytest.mark.parametrize("part", ["-a", "a b", "a/b", "$(a)", "a;", "`", "-", "한 글"])
def test_a_new_part_that_a_shell_would_read_is_refused(part: str) -> None:
    for key in (TaskKey("p", part, "t"), TaskKey("p", "g", part)):
        with pytest.raises(UsageError) as refused:
            check_new_key(key)
        assert refused.value.code == "bad-identity"
    with pytest.raises(UsageError):
        check_project_id(part)


@pytest.mark.parametrize("part", ["a", "DEV-9436", "v1.2_rc", ".a", "_", "로그인", "a-"])
def test_a_new_part_of_letters_digits_and_three_marks_is_taken(part: str) -> None:
    check_project_id(part)
    check_new_key(TaskKey("p", part, part))
