"""Plans written by other hands: prose between, wide tables, other orders, Korean, other kinds of lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from okstra_ctl.plan.model import Stage, StageMap
from okstra_ctl.plan.rules import check_plan

EXAMPLES = Path(__file__).parent / "examples"
GOOD = (EXAMPLES / "good_plan.md").read_text(encoding="utf-8")
KOREAN = (EXAMPLES / "wide_korean_plan.md").read_text(encoding="utf-8")


def _stages(text: str) -> tuple[Stage, ...]:
    result = check_plan(text)
    assert result.stage_map is not None, result.findings
    return result.stage_map.stages


def test_wide_korean_plan() -> None:
    one, two, three = _stages(KOREAN)
    assert (one.title, one.depends_on, one.exit_check) == ("토큰 만료", (), "pytest -q tests/auth")
    assert one.files == ("src/auth/토큰.py", "tests/auth/test_토큰.py")
    assert [step.line for step in one.steps] == [36, 38]
    assert one.steps[1].text.endswith("1. 첫째\n  2. 둘째")
    assert (two.depends_on, two.exit_check) == ((1,), "npm test -- --runInBand && npm run lint")
    assert two.files == ("src/웹 화면/로그인.tsx", "tests/web/로그인.test.tsx")
    assert [step.number for step in two.steps] == [1, 2]
    assert (three.depends_on, three.exit_check) == ((1, 2), "bats test/door.bats && make docs")
    assert three.files == ("scripts/door.sh", "test/door.bats", "docs/**/*.md")
    assert three.tdd_exemption == "셸 스크립트는 bats로만 확인한다"
    assert three.steps[0].text == "Change `scripts/door.sh`."
    assert [finding.rule for finding in check_plan(KOREAN).findings] == ["S12"]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: "\ufeff" + text,
        lambda text: text.rstrip("\n"),
        lambda text: text.replace("|\n", "|   \n"),
        lambda text: text.replace("## 5.5 Stage Map\n\n| Stage", "5.5 Stage Map\n-------------\n\n| Stage"),
        lambda text: text.replace("## 5.5 Stage Map\n\n| Stage", "## **5.5 Stage map** ##\n\n| Stage"),
        lambda text: text.replace("### 5.5.1 Stage 1:", "### `5.5.1` Stage 1 -"),
        lambda text: text.replace("### 5.5.2", "#### Notes\n\n- x\n\n### Aside\n\n1. no step\n\n### 5.5.2"),
        lambda text: text.replace("\n### 5.5.1", "A line right under the table.\n\n### 5.5.1"),
        lambda text: text.replace("make docs |\n", "make docs |\nA line right under the table.\n"),
        lambda text: text.replace("make docs |\n", "make docs |\n| | | | | | |\n"),
        lambda text: text.replace("make docs |\n", "make docs |\n|---|---|:-:|---|---|---|\n"),
        lambda text: text.replace("make docs |\n", "make docs |\n\n<!-- | 4 | x | -->\n"),
        lambda text: text.replace("| (none) |", "| |"),
        lambda text: text.replace("| (none) |", "| none <!-- yet --> |"),
        lambda text: text.replace("| (none) |", "| `-` |"),
        lambda text: text.replace("| (none) |", "| **없음** |"),
        lambda text: text.replace("coupon | 1 |", "coupon | Stage 1 |"),
        lambda text: text.replace("coupon | 1 |", "coupon | [1](#551-stage-1) |"),
        lambda text: text.replace("coupon | 1 |", "coupon | S1 |"),
        lambda text: text.replace("coupon | 1 |", "coupon | 1단계 |"),
        lambda text: text.replace("| 1 | Read", "| Stage 1 | Read").replace("| 2 | Apply", "| #2 | Apply"),
        lambda text: text.replace("| 1 | Read", "| 01 | Read").replace("| 2 | Apply", "| **2.** | Apply"),
    ],
)
def test_ways_of_writing_that_mean_the_same(change: object) -> None:
    assert callable(change)
    text = change(GOOD)
    assert text != GOOD

    def without_lines(stages: tuple[Stage, ...]) -> list[Stage]:
        return [stage._replace(line=0, steps=tuple(step._replace(line=0) for step in stage.steps)) for stage in stages]

    assert without_lines(_stages(text)) == without_lines(_stages(GOOD))


def _digest(text: str) -> str:
    stage_map = check_plan(text).stage_map
    assert isinstance(stage_map, StageMap)
    return stage_map.digest


def test_the_digest_is_of_the_map_alone() -> None:
    digest = _digest(GOOD)
    assert len(digest) == 64
    assert digest == _digest(GOOD.replace("approved: true", "approved: false"))
    assert digest == _digest(GOOD.replace("\n", "\r\n"))
    assert digest == _digest(GOOD.replace("|\n", "| \n").replace("## 6.", "\n\n## 6."))
    assert digest == _digest(GOOD[GOOD.index("## 5.5 Stage Map\n\n|") : GOOD.index("## 6.")].rstrip())
    assert digest == _digest(GOOD.replace("Stack coupons?", "What else?"))
    assert digest != _digest(GOOD.replace("Why: nothing", "Why: little"))
    assert digest != _digest(GOOD.replace("| Read coupons", "| Read all coupons"))
    assert digest != _digest(GOOD.replace("Why: nothing", "```\n## 7. In a fence\n```\nWhy: nothing"))


@pytest.mark.parametrize(
    ("cell", "files"),
    [
        ("`a.py`", ["a.py"]),
        ("`a.py`, `b.py`", ["a.py", "b.py"]),
        ("`a.py` `b.py`", ["a.py", "b.py"]),
        ("`a.py, b.py`", ["a.py", "b.py"]),
        ("`a.py`<br/>`b.py`", ["a.py", "b.py"]),
        ("- `a.py`<br>- b.py", ["a.py", "b.py"]),
        ("a.py, b.py; c.py", ["a.py", "b.py", "c.py"]),
        ("a.py b.py", ["a.py", "b.py"]),
        ("lib/**/\\*.py", ["lib/**/*.py"]),
        ("src\\_a.py", ["src_a.py"]),
        ("`a b.py` (new), c.py (changed)", ["a b.py", "c.py"]),
        ("new: `a.py`, moved from `b.py`", ["a.py", "b.py"]),
        ("`src/{a,b}.ts`, lib/{c,d}/*.ts", ["src/a.ts", "src/b.ts", "lib/c/*.ts", "lib/d/*.ts"]),
        ("[src/a.py](https://example.org/a.py)", ["src/a.py"]),
        ("`src/a.py:10-20`", ["src/a.py:10-20"]),
        ("src/a.py:10-20", ["src/a.py"]),
        ("Makefile", ["Makefile"]),
        ("some folder", ["some folder"]),
        (".", ["**"]),
        ("`**`", ["**"]),
        ("\\*\\*/x.md", ["**/x.md"]),
        ("`app/[id]/page.tsx`", ["app/[id]/page.tsx"]),
        ("a.py, a.py, ./a.py", ["a.py"]),
        ("`a.py`, <!-- `b.py` -->", ["a.py"]),
    ],
)
def test_files_cells(cell: str, files: list[str]) -> None:
    text = GOOD.replace("| `docs/coupons.md` |", f"| {cell} |")
    # A code file in the documentation stage asks for a test, which is not the point here.
    text = text.replace("1. Write `docs/coupons.md`.", "TDD exemption: not here\n\n1. Write `docs/coupons.md`.")
    if cell in (".", "`**`"):
        text = text.replace("| Describe coupons | 1 |", "| Describe coupons | 1, 2 |")
    assert list(_stages(text)[2].files) == files


@pytest.mark.parametrize(
    ("cell", "command"),
    [
        ("make docs", "make docs"),
        ("`make docs`", "make docs"),
        ("`` echo `x` ``", "echo `x`"),
        ("`make docs` ends with 0", "make docs"),
        ("`make a` and `make b`", "make a && make b"),
        ("`make a` \\|\\| `make b`", "make a || make b"),
        ("`a \\| b`", "a | b"),
        ("a \\| b", "a | b"),
        ("a &#124; b &amp;&amp; c", "a | b && c"),
        ("`a &amp; b`", "a &amp; b"),
        ("test -f a\\_b", "test -f a_b"),
    ],
)
def test_exit_check_cells(cell: str, command: str) -> None:
    assert _stages(GOOD.replace("| make docs |", f"| {cell} |"))[2].exit_check == command
