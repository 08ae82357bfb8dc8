"""Which worktrees gc may remove, and which it does."""

from __future__ import annotations

import pytest

from okstra_ctl.gc.policy import GcDecision, Verdict, WorktreeFacts, judge, parse_size, to_remove

_FACTS = WorktreeFacts("p:g:1", "/wt", True, "", "feat-1", True, "", 0.0, 10)


@pytest.mark.parametrize(
    ("changes", "verdict", "proof"),
    [
        ({}, Verdict.SAVED, "the branch feat-1 keeps its commits"),
        ({"merged_into": "main"}, Verdict.MERGED, "main has all its commits"),
        ({"in_use": "RUN is running", "merged_into": "main"}, Verdict.HELD, "RUN is running"),
        ({"exists": False, "merged_into": "main"}, Verdict.UNKNOWN, "its folder is gone"),
        ({"on_branch": False, "merged_into": "main"}, Verdict.UNKNOWN, "its HEAD is not on feat-1"),
    ],
)
def test_verdicts(changes: dict[str, object], verdict: Verdict, proof: str) -> None:
    decision = judge(_FACTS._replace(**changes))  # type: ignore[arg-type]
    assert decision.verdict is verdict
    assert decision.proof.startswith(proof)


def _some() -> list[GcDecision]:
    """Of 10 bytes each: two merged, three saved, one held, one unknown; the first of each kind was used last."""
    kinds = {"merged": 2, "saved": 3, "held": 1, "unknown": 1}
    return [
        GcDecision(_FACTS._replace(key=f"{kind}-{number}", used_at=-float(number)), Verdict(kind), "")
        for kind, count in kinds.items()
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("limit", "keys"),
    [
        (None, ["merged-1", "merged-0"]),
        (1000, ["merged-1", "merged-0"]),
        (50, ["merged-1", "merged-0"]),
        (49, ["merged-1", "merged-0", "saved-2"]),
        (40, ["merged-1", "merged-0", "saved-2"]),
        (39, ["merged-1", "merged-0", "saved-2", "saved-1"]),
        (0, ["merged-1", "merged-0", "saved-2", "saved-1", "saved-0"]),
    ],
)
def test_merged_ones_go_then_saved_ones_the_oldest_first_until_the_rest_fits(
    limit: int | None, keys: list[str]
) -> None:
    assert [one.facts.key for one in to_remove(_some(), limit)] == keys


@pytest.mark.parametrize(
    ("text", "size"),
    [
        *(("0", 0), ("7", 7), ("7B", 7), ("1.5k", 1536), ("1KiB", 1024), ("500 MiB", 524_288_000)),
        *(("20G", 21_474_836_480), ("2t", 2_199_023_255_552)),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size
