"""Grouping, rounds, classes and the plan gate: the rules of docs/design/leading.md."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.results.convergence import (
    Ballot,
    Claim,
    Group,
    group_findings,
    outcome,
    plan_gate,
    questions,
    unverified,
)
from okstra_ctl.results.evidence import Checked
from okstra_ctl.results.records import (
    Answer,
    Basis,
    Evidence,
    EvidenceStatus,
    Finding,
    FindingClass,
    FindingSeverity,
    Gate,
    Verdict,
)

VOICES = {"a": "claude", "b": "codex", "c": "gemini"}


def finding(
    number: int = 1,
    claim: str = "",
    path: str = "src/x.py",
    first: int = 1,
    last: int = 0,
    severity: FindingSeverity = FindingSeverity.HIGH,
) -> Finding:
    evidence = (Evidence(path, first, last or first, "", "", None),)
    return Finding(f"F-{number:03d}", severity, "t", claim or f"claim {path} {first}", evidence, None, 1)


def ballot(worker: str, verdict: Verdict, *, round_number: int = 1) -> Ballot:
    basis = Basis.EVIDENCE if verdict is Verdict.DISAGREE else None
    return Ballot(round_number, worker, Answer("G-001", verdict, basis, "because", (), 1))


def raised_by(*workers: str) -> Group:
    return Group("G-001", tuple(Claim(worker, finding()) for worker in workers))


def test_overlapping_lines_of_two_analysts_are_one_finding() -> None:
    groups = group_findings({"a": [finding(first=10, last=20)], "b": [finding(claim="other", first=18, last=30)]})
    assert [group.raisers for group in groups] == [{"a", "b"}]


def test_the_same_claim_is_one_finding_whatever_its_case_and_punctuation() -> None:
    groups = group_findings(
        {"a": [finding(claim="It leaks!", path="x.py")], "b": [finding(claim="it  LEAKS", path="y.py")]}
    )
    assert len(groups) == 1


def test_other_files_and_other_lines_stay_apart() -> None:
    groups = group_findings({"a": [finding(first=1)], "b": [finding(first=2), finding(2, path="z.py")]})
    assert len(groups) == 3


def test_lines_that_touch_in_one_are_one_finding_and_lines_beside_each_other_are_not() -> None:
    def raisers(first: int, last: int) -> list[frozenset[str]]:
        own = [finding(claim="other", first=first, last=last)]
        return [group.raisers for group in group_findings({"a": [finding(first=10, last=20)], "b": own})]

    assert raisers(20, 30) == raisers(5, 10) == [{"a", "b"}]
    assert raisers(21, 30) == raisers(5, 9) == [{"a"}, {"b"}]


def test_a_file_cited_without_lines_makes_no_two_findings_one() -> None:
    one, other = finding(claim="It leaks", first=0), finding(claim="It is slow", first=0)
    assert [group.raisers for group in group_findings({"a": [one], "b": [other]})] == [{"a"}, {"b"}]
    with_lines = finding(claim="It is slow", first=1, last=99)
    assert len(group_findings({"a": [one], "b": [with_lines]})) == 2
    assert len(group_findings({"a": [with_lines], "b": [one]})) == 2


_GRAVEST_FIRST = list(FindingSeverity)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("gravest", range(len(_GRAVEST_FIRST) - 1))
def test_the_gravest_finding_of_a_group_leads_it_whoever_came_first(gravest: int, order: int) -> None:
    assert [str(one) for one in _GRAVEST_FIRST] == ["critical", "high", "medium", "low", "info"]
    pair = [finding(severity=_GRAVEST_FIRST[gravest]), finding(severity=_GRAVEST_FIRST[gravest + 1])][::order]
    (group,) = group_findings({"a": [pair[0]], "b": [pair[1]]})
    assert group.leading.severity is _GRAVEST_FIRST[gravest]


def test_of_equally_grave_findings_the_first_leads() -> None:
    (group,) = group_findings({"a": [finding(1)], "b": [finding(2)]})
    assert group.leading.id == "F-001"


def test_findings_of_one_analyst_never_merge() -> None:
    groups = group_findings({"a": [finding(1, first=1, last=9), finding(2, first=5, last=7)]})
    assert len(groups) == 2


def test_groups_do_not_chain() -> None:
    groups = group_findings(
        {
            "a": [finding(first=1, last=10)],
            "b": [finding(claim="wide", first=8, last=100)],
            "c": [finding(claim="far", first=90, last=95)],
        }
    )
    assert [sorted(group.raisers) for group in groups] == [["a", "b"], ["c"]]


@given(
    st.dictionaries(
        st.sampled_from("abc"),
        st.lists(st.tuples(st.sampled_from("xy"), st.integers(1, 30), st.integers(0, 5)), max_size=6),
    )
)
def test_every_finding_ends_in_exactly_one_group(places: Mapping[str, list[tuple[str, int, int]]]) -> None:
    results = {
        worker: [finding(number, path=path, first=at, last=at + more) for number, (path, at, more) in enumerate(own, 1)]
        for worker, own in places.items()
    }
    groups = group_findings(results)
    members = [(claim.worker, claim.finding) for group in groups for claim in group.claims]
    assert sorted(members, key=repr) == sorted(((w, f) for w, own in results.items() for f in own), key=repr)
    assert all(len(group.raisers) == len(group.claims) for group in groups)


def test_round_one_asks_whoever_did_not_raise_it() -> None:
    assert questions([raised_by("a")], [], ["a", "b", "c"], 1) == {"b": ("G-001",), "c": ("G-001",)}


def test_later_rounds_ask_all_about_what_is_disputed_only() -> None:
    group = raised_by("a")
    disputed = [ballot("b", Verdict.DISAGREE), ballot("c", Verdict.AGREE)]
    assert questions([group], disputed, ["a", "b", "c"], 2) == dict.fromkeys("abc", ("G-001",))
    settled = [ballot("b", Verdict.AGREE), ballot("c", Verdict.SUPPLEMENT)]
    assert questions([group], settled, ["a", "b", "c"], 2) == {}


@pytest.mark.parametrize(
    ("raisers", "verdicts", "expected"),
    [
        ("a", {"b": "AGREE", "c": "AGREE"}, "consensus"),
        ("a", {"b": "SUPPLEMENT", "c": "AGREE"}, "consensus"),
        ("abc", {}, "consensus"),
        ("a", {"b": "AGREE", "c": "DISAGREE"}, "majority"),
        ("a", {"b": "AGREE"}, "majority"),
        ("a", {"b": "DISAGREE"}, "contested"),
        ("a", {"b": "DISAGREE", "c": "DISAGREE"}, "refuted"),
        ("a", {}, "aborted-non-result"),
    ],
)
def test_classes_with_three_analysts(raisers: str, verdicts: dict[str, str], expected: str) -> None:
    ballots = [ballot(worker, Verdict(word)) for worker, word in verdicts.items()]
    assert outcome(raised_by(*raisers), ballots, VOICES, quorum=2).finding_class == expected


def test_nobody_to_check_it_is_single_source() -> None:
    assert outcome(raised_by("a"), [], {"a": "claude"}, quorum=2).finding_class is FindingClass.SINGLE_SOURCE


def test_two_sessions_of_one_provider_are_one_voice() -> None:
    alike = {"a": "claude", "b": "claude"}
    found = outcome(raised_by("a"), [ballot("b", Verdict.AGREE)], alike, quorum=2)
    assert found.finding_class is FindingClass.SINGLE_SOURCE


def test_a_withdrawn_claim_is_refuted() -> None:
    ballots = [ballot("b", Verdict.DISAGREE), ballot("a", Verdict.DISAGREE, round_number=2)]
    two = {"a": "claude", "b": "codex"}
    assert outcome(raised_by("a"), ballots, two, quorum=2).finding_class is FindingClass.REFUTED


def test_votes_close_nothing() -> None:
    by_votes = [ballot("b", Verdict.DISAGREE), ballot("c", Verdict.DISAGREE)]
    found = outcome(raised_by("a"), by_votes, VOICES, quorum=2)
    assert (found.finding_class, found.closed_by) == (FindingClass.REFUTED, "")


def test_evidence_that_is_not_there_is_never_consensus() -> None:
    line = finding().evidence[0]
    checks = {line: Checked(line, EvidenceStatus.NOT_FOUND)}
    found = outcome(raised_by(*"abc"), [], VOICES, quorum=2, checks=checks)
    assert found.finding_class is FindingClass.CONTESTED


@given(
    st.sets(st.sampled_from("abc"), min_size=1),
    st.dictionaries(st.sampled_from("abc"), st.sampled_from([*Verdict]), max_size=3),
)
def test_silence_never_makes_consensus(raisers: set[str], verdicts: dict[str, Verdict]) -> None:
    ballots = [ballot(worker, verdict) for worker, verdict in verdicts.items()]
    found = outcome(raised_by(*sorted(raisers)), ballots, VOICES, quorum=2)
    silent = set("abc") - raisers - verdicts.keys()
    agreed = not silent and Verdict.DISAGREE not in verdicts.values()
    assert (found.finding_class is FindingClass.CONSENSUS) == agreed
    unheard = outcome(raised_by(*sorted(raisers)), ballots, VOICES, quorum=2, silent=1)
    assert unheard.finding_class is not FindingClass.CONSENSUS


@pytest.mark.parametrize(
    ("raisers", "verifiers", "silent", "evidence", "expected"),
    [
        ("a", "ab", 0, "verified", "single-source"),
        ("ab", "ab", 0, "verified", "consensus"),
        ("ab", "ab", 0, "moved", "consensus"),
        ("ab", "ab", 0, "unchecked", "consensus"),
        ("abc", "abc", 0, "verified", "consensus"),
        ("ab", "abc", 0, "verified", "single-source"),
        ("ad", "ad", 0, "verified", "single-source"),
        ("adb", "adb", 0, "verified", "consensus"),
        ("ab", "ab", 1, "verified", "single-source"),
        ("ab", "ab", 0, "not-found", "contested"),
        ("a", "ab", 0, "not-found", "single-source"),
    ],
)
def test_what_verifiers_found_is_shared_by_all_voices_or_one_sides_word(
    raisers: str, verifiers: str, silent: int, evidence: str, expected: str
) -> None:
    """`d` is a second session of `a`'s provider."""
    voices = {**VOICES, "d": "claude"}
    line = finding().evidence[0]
    checks = {line: Checked(line, EvidenceStatus(evidence))}
    own = {worker: voices[worker] for worker in verifiers}
    found = unverified(raised_by(*raisers), own, checks, silent=silent)
    assert (found.finding_class, found.evidence_status) == (expected, evidence)
    assert (found.ballots, found.closed_by, found.checks) == ((), "", checks)


def answer(item: str, verdict: Verdict) -> Answer:
    return Answer(item, verdict, Basis.LOGIC, "because", (), 1)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"a": "AGREE", "b": "AGREE"}, Gate.PASSED),
        ({"a": "AGREE", "b": "DISAGREE"}, Gate.BLOCKED),
        ({"a": "AGREE", "b": "AGREE", "c": "DISAGREE"}, Gate.DISSENT),
        ({"a": "AGREE", "b": "DISAGREE", "c": "DISAGREE"}, Gate.BLOCKED),
        ({"a": "AGREE"}, Gate.ABORTED),
        ({}, Gate.ABORTED),
    ],
)
def test_the_plan_gate(words: dict[str, str], expected: Gate) -> None:
    answers = {worker: [answer("PLAN", Verdict(word))] for worker, word in words.items()}
    assert plan_gate(answers, VOICES, ["PLAN"], quorum=2).gate is expected
