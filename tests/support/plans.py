"""Plans for tests, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

NOTHING_BUILT = "none: a test of something else"


def plan_text(
    depends: Mapping[int, Sequence[int]],
    *,
    approved: bool = True,
    exit_check: str = "true",
    title: str = "Part",
    proof: str = NOTHING_BUILT,
) -> str:
    """A plan that passes S1 to S13: stage N has the files `stage-N/**`.

    Most tests build nothing that a check could miss; `proof` is red-green in those of the proof.
    """
    rows = [
        f"| {n} | {title} {n} | {needs or '(none)'} | `stage-{n}/**` | 2 | `{exit_check}` | {proof} |"
        for n, needs in ((n, ", ".join(map(str, stages))) for n, stages in depends.items())
    ]
    sections = [
        f"### 5.5.{n} Stage {n}: {title} {n}\n\n1. Write a failing test in `stage-{n}/test_it.py`.\n"
        f"2. Write `stage-{n}/it.py` so that it passes.\n"
        for n in depends
    ]
    return "\n".join(
        [
            "---",
            f"approved: {'true' if approved else 'false'}",
            "---",
            "# Plan",
            "",
            "## 5.5 Stage Map",
            "",
            "| Stage | Title | Depends on | Files | Steps | Exit check | Proof |",
            "|---|---|---|---|---|---|---|",
            *rows,
            "",
            *sections,
        ]
    )


def independent(count: int) -> dict[int, tuple[int, ...]]:
    return dict.fromkeys(range(1, count + 1), ())
