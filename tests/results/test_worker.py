"""Rules R1 to R8 of worker results, a good and a bad example of each; and no text that upsets the reader."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.results.records import FindingSeverity
from okstra_ctl.results.worker import parse_worker_result

FRONT = """---
task-key: shop:auth:T-1
task-type: error-analysis
worker: claude
provider: claude
model: opus
commit: 0123456789abcdef
---
"""
FINDING = """### F-001 [high] Sessions outlive logout
- claim: Logging out leaves the session in the store.
- evidence: src/auth/session.py:41-44 `store.delete(token)`
- evidence: command `pytest -q tests/auth` exit 1
- confidence: 0.8
"""
REST = """
## 2. Evidence gaps
none
## 3. Risks
none
## 4. Open questions
none
## 5. Recommendation
Delete the session.
"""
GOOD = FRONT + "# Result\n\n## 1. Findings\n\n" + FINDING + REST


def rules_broken(text: str) -> list[str]:
    return [problem.rule for problem in parse_worker_result(text)[1]]


def test_a_good_result_is_read_whole() -> None:
    result, problems = parse_worker_result(GOOD)
    assert problems == []
    (finding,) = result.findings
    assert (finding.id, finding.severity, finding.title) == (
        "F-001",
        FindingSeverity.HIGH,
        "Sessions outlive logout",
    )
    assert finding.claim == "Logging out leaves the session in the store."
    citation, command = finding.evidence
    assert (citation.path, citation.first, citation.last, citation.quote) == (
        "src/auth/session.py",
        41,
        44,
        "store.delete(token)",
    )
    assert (command.command, command.exit) == ("pytest -q tests/auth", 1)
    assert finding.confidence == 0.8
    assert result.sections["5. Recommendation"] == "Delete the session."


def test_no_findings_must_be_said() -> None:
    said = GOOD.replace(FINDING, "(none)\n")
    result, problems = parse_worker_result(said)
    assert (result.findings, problems) == ((), [])
    assert rules_broken(GOOD.replace(FINDING, "")) == ["R4"]
    assert rules_broken(GOOD.replace(FINDING, "I looked around and all seems fine.\n")) == ["R4"]


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        ("R1", "commit: 0123456789abcdef\n", ""),
        ("R1", "model: opus", "model:"),
        ("R2", "## 3. Risks\nnone\n", ""),
        ("R2", "## 3. Risks", "## 2. Evidence gaps"),
        ("R3", "## 1. Findings", "## 0. Reading Confirmation\nI read it.\n## 1. Findings"),
        ("R4", "F-001 [high]", "F-1 [high]"),
        ("R4", "F-001 [high]", "F-002 [high]"),
        ("R4", "[high]", "[severe]"),
        ("R5", "- claim: Logging", "- Logging"),
        ("R6", "src/auth/session.py:41-44 `store.delete(token)`", "src/auth/session.py:44-41"),
        ("R6", "command `pytest -q tests/auth` exit 1", "command pytest failed"),
        ("R6", "src/auth/session.py:41-44 `store.delete(token)`", "I saw it with my own eyes"),
        ("R7", "confidence: 0.8", "confidence: high"),
        ("R7", "confidence: 0.8", "confidence: 1.2"),
    ],
)
def test_each_rule_names_what_breaks_it(rule: str, old: str, new: str) -> None:
    assert old in GOOD
    assert set(rules_broken(GOOD.replace(old, new, 1))) >= {rule}


def test_sections_out_of_order_are_told() -> None:
    swapped = GOOD.replace("## 3. Risks", "## X").replace("## 4. Open questions", "## 3. Risks")
    assert rules_broken(swapped.replace("## X", "## 4. Open questions")) == ["R2"]


def test_a_line_number_points_at_the_entry() -> None:
    (problem,) = parse_worker_result(GOOD.replace("- claim: Logging", "- Logging"))[1]
    assert GOOD.splitlines()[problem.line - 1].startswith("### F-001")


def test_what_stands_in_a_code_fence_is_text() -> None:
    fenced = "```\n## 1. Findings\n### F-009 [high] Not a finding\n```\n"
    assert rules_broken(GOOD.replace("Delete the session.", fenced)) == []


def test_a_fence_around_the_whole_is_taken_off() -> None:
    assert rules_broken(f"```markdown\n{GOOD}```\n") == []


VERDICTS = {"verdicts": ("pass", "fail"), "passing": ("pass",)}


@pytest.mark.parametrize(
    ("verdict", "finding", "broken"),
    [
        ("pass", "(none)\n", []),
        ("pass", FINDING.replace("[high]", "[low]"), []),
        ("pass", FINDING, ["R8"]),
        ("fail", FINDING, []),
        ("fail", "(none)\n", ["R8"]),
        ("", "(none)\n", ["R8"]),
        ("perhaps", "(none)\n", ["R8"]),
    ],
)
def test_a_verdict_agrees_with_the_findings(verdict: str, finding: str, broken: list[str]) -> None:
    text = GOOD.replace(FINDING, finding).replace("model: opus", f"model: opus\nverdict: {verdict}")
    assert [problem.rule for problem in parse_worker_result(text, **VERDICTS)[1]] == broken


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    assert parse_worker_result(text)[1]


@given(st.integers(0, len(GOOD)))
def test_a_result_cut_short_before_its_last_section_is_never_whole(cut: int) -> None:
    if cut < GOOD.index("## 5. Recommendation") + len("## 5. Recommendation"):
        assert parse_worker_result(GOOD[:cut])[1]


@given(st.integers(0, len(GOOD)), st.text(max_size=5))
def test_any_change_is_read(place: int, inserted: str) -> None:
    parse_worker_result(GOOD[:place] + inserted + GOOD[place:])


@pytest.mark.parametrize("lines", ["- claim:", "- claim: ", "- claim:\n- claim:\t"])
def test_an_empty_claim_is_none(lines: str) -> None:
    text = GOOD.replace("- claim: Logging out leaves the session in the store.", lines)
    result, problems = parse_worker_result(text)
    assert [(one.rule, "0 claims" in one.message) for one in problems] == [("R5", True)]
    assert result.findings[0].claim == result.findings[0].title == "Sessions outlive logout"


def test_an_empty_claim_beside_a_written_one_says_nothing() -> None:
    text = GOOD.replace("- claim: Logging", "- claim:\n- claim: Logging")
    assert parse_worker_result(text)[1] == []
