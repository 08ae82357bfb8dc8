"""S9 against the plain way of doing it: every two stages, every two patterns."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from okstra_ctl.plan.globs import intersect, normalise
from okstra_ctl.plan.rules import check_plan
from support.plans import plan_text

names = st.sampled_from(
    ["a", "b", "ab", "a.py", "b.py", "*", "**", "a*", "*.py", "*b.py", "[ab]", "[ab].py", "a?", "a*.py"]
)
patterns = st.builds(
    lambda parts, end: normalise("/".join(parts) + end),
    st.lists(names, min_size=1, max_size=3),
    st.sampled_from(["", "", "", "/"]),
)


stage_lists = st.lists(
    st.tuples(st.sets(st.integers(1, 8), max_size=2), st.lists(patterns, min_size=1, max_size=2)), max_size=8
)


@given(stage_lists)
@settings(max_examples=200, deadline=None)
def test_the_same_stages_clash(drawn: list[tuple[set[int], list[str]]]) -> None:
    # Only earlier stages are drawn as dependencies, so there is no circle.
    stages = [({need for need in needs if need < number}, files) for number, (needs, files) in enumerate(drawn, 1)]
    rows = "".join(
        f"| {number} | T{number} | {', '.join(map(str, needs))} | `{'` `'.join(files)}` | 1 | `make` |\n"
        for number, (needs, files) in enumerate(stages, 1)
    )
    sections = "".join(
        f"### 5.5.{n} Stage {n}\n\n1. Write a failing test in `t.py`.\n\n" for n in range(1, len(stages) + 1)
    )
    head = "## 5.5 Stage Map\n\n| Stage | Title | Depends on | Files | Steps | Exit check |\n|-|-|-|-|-|-|\n"
    findings = check_plan(f"{head}{rows}\n{sections}").findings
    found = {finding.line - 4 for finding in findings if finding.rule == "S9"}
    assert found == _clashing(stages)


def _clashing(stages: list[tuple[set[int], list[str]]]) -> set[int]:
    """The stages that share files with an earlier one that they do not build on."""
    before: dict[int, set[int]] = {}
    clashing = set()
    for number, (needs, files) in enumerate(stages, 1):
        before[number] = set().union(needs, *(before[need] for need in needs))
        for other in set(range(1, number)) - before[number]:
            if any(intersect(one, two) for one in files for two in stages[other - 1][1]):
                clashing.add(number)
    return clashing


def test_globs_that_are_too_much_to_compare_are_a_finding() -> None:
    """No two meet, for each covers paths of another depth; but nobody has looked at all of them."""

    def findings(count: int) -> set[str]:
        text = plan_text(dict.fromkeys(range(1, count + 1), ()), exit_check="pytest -q")
        for stage in range(1, count + 1):
            text = text.replace(f"`stage-{stage}/**`", f"`{'?/' * (30 + stage)}?`")
        return {finding.message for finding in check_plan(text).findings if finding.rule == "S9"}

    assert findings(10) == set()
    (message,) = findings(250)
    assert "in too many ways to be compared" in message


def test_braces_stand_for_each_of_their_words() -> None:
    def clashes(one: str, other: str) -> bool:
        text = plan_text({1: (), 2: ()}).replace("`stage-1/**`", f"`{one}`").replace("`stage-2/**`", f"`{other}`")
        return any(finding.rule == "S9" for finding in check_plan(text).findings)

    for files, covered in {
        "src/{a,b}.py": "src/a.py src/b.py",
        "{a,b}/{c,d}.py": "a/c.py a/d.py b/c.py b/d.py",
        "src/x{a,b}y{c,d}z.py": "src/xaycz.py src/xbydz.py",
        "src/{a, b}.py": "src/b.py",
    }.items():
        for path in covered.split():
            assert clashes(files, path), (files, path)
        for path in ("src/c.py", "c/c.py", "src/xayez.py", "src/a,b.py"):
            assert not clashes(files, path), (files, path)


def test_patterns_with_several_wildcards_are_compared_by_what_stands_before_the_first() -> None:
    text = plan_text({1: (), 2: ()}).replace("`stage-1/**`", "`src/*/a/*.py`").replace("`stage-2/**`", "`src/b/?/x*`")
    assert "S9" in {finding.rule for finding in check_plan(text).findings}
