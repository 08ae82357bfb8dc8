"""Voices: which family a model belongs to, what counts as one voice, and what voices are worth."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.results.convergence import Ballot, Claim, Group, outcome, plan_gate
from okstra_ctl.results.records import Answer, Basis, Finding, FindingClass, FindingSeverity, Gate, Verdict
from okstra_ctl.results.voices import UNKNOWN, Speaker, family_of, voices, worth


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("sonnet", "claude"),
        ("opusplan", "claude"),
        ("claude-haiku-5-5", "claude"),
        ("us.anthropic.claude-3", "claude"),
        ("openrouter/google/gemini-3.5-flash", "gemini"),
        ("anthropic", "claude"),
        ("gpt-5.6", "gpt"),
        ("o4-mini", "gpt"),
        ("openai/gpt-oss-120b", "gpt"),
        ("codex", "gpt"),
        ("qwen3-coder", "qwen"),
        ("deepseek-r1-distill-llama-70b", "deepseek"),
        ("devstral-small", "mistral"),
        ("large-2", ""),
        ("solo1", ""),
        ("", ""),
    ],
)
def test_a_models_name_tells_its_family(model: str, family: str) -> None:
    assert family_of(model) == family


def count(*speakers: Speaker) -> int:
    return len(set(voices({f"w{number}": one for number, one in enumerate(speakers)}).values()))


def test_all_whose_family_is_unknown_are_one_voice() -> None:
    assert count(Speaker(), Speaker("", ("mine",)), Speaker("", ("other",))) == 1
    assert count(Speaker(), Speaker("claude")) == 2
    assert voices({"w": Speaker()}) == {"w": UNKNOWN}


def test_one_model_is_one_voice_whatever_serves_it_and_whatever_family_is_claimed() -> None:
    assert count(Speaker("claude", model="some/Odd-1"), Speaker("gpt", model="gateway/odd-1")) == 1
    assert count(Speaker("claude", model="odd-1"), Speaker("gpt", model="odd-2")) == 2
    assert count(Speaker("claude"), Speaker("gpt")) == 2


def test_whoever_reports_nothing_is_the_voice_of_the_model_that_was_asked_for_if_that_was_heard() -> None:
    silent = Speaker("", ("agent",), asked="openai/gpt-5.6")
    assert voices({"a": Speaker("gpt", model="gpt-5.6"), "b": silent}) == {"a": "gpt", "b": "gpt"}
    assert count(Speaker("house", model="odd-1"), Speaker("", ("agent",), asked="gateway/odd-1")) == 1
    assert voices({"a": Speaker("claude"), "b": silent}) == {"a": "claude", "b": UNKNOWN}
    assert count(silent, Speaker("", ("other",), asked="claude-x")) == 1, "it makes nobody another voice"


def test_one_command_line_with_one_model_is_one_voice_whatever_it_claims_to_be() -> None:
    line = ("agent", "--model", "m")
    assert count(Speaker("claude", line), Speaker("gpt", line)) == 1
    assert count(Speaker("claude", line), Speaker("gpt", (*line, "n"))) == 2
    assert count(Speaker("claude", line), Speaker("gpt", line), Speaker("gpt", ("other",))) == 1
    assert voices({"a": Speaker("gpt", line), "b": Speaker("", line), "c": Speaker()}) == {
        "a": "gpt",
        "b": "gpt",
        "c": UNKNOWN,
    }


_FAMILIES = st.sampled_from(("", "claude", "gpt", "gemini", "mine"))
_LINES = st.sampled_from(((), (), ("a",), ("b",), ("c",)))
_SPEAKERS = st.lists(st.builds(Speaker, _FAMILIES, _LINES), max_size=6)


@given(_SPEAKERS)
def test_there_are_never_more_voices_than_families_and_never_more_than_speakers(speakers: list[Speaker]) -> None:
    families = {one.family for one in speakers}
    assert min(len(speakers), 1) <= count(*speakers) <= len(families) if speakers else count() == 0
    assert count(*speakers) <= len(speakers)


@given(_SPEAKERS, st.randoms())
def test_the_order_of_the_speakers_changes_no_voice(speakers: list[Speaker], chance: object) -> None:
    named = {f"w{number}": one for number, one in enumerate(speakers)}
    pairs = list(named.items())
    chance.shuffle(pairs)  # type: ignore[attr-defined]
    assert voices(dict(pairs)) == voices(named)


@given(_SPEAKERS)
def test_one_more_of_a_known_family_adds_no_voice_and_a_new_family_adds_one(speakers: list[Speaker]) -> None:
    for one in speakers:
        assert count(*speakers, one) == count(*speakers)
        assert not one.family or count(*speakers, Speaker(one.family)) == count(*speakers)
    assert count(*speakers, Speaker("new")) == count(*speakers) + 1


@given(st.lists(st.sampled_from("abc"), max_size=6), st.sampled_from("abc"))
def test_voices_are_worth_at_most_their_number_and_one_more_never_less_than_none(heard: list[str], more: str) -> None:
    families = len(set(heard))
    assert (worth(heard) == 0) is not bool(heard)
    assert worth(heard) <= len(heard)
    assert worth([*reversed(heard)]) == worth(heard)
    if families == len(heard):
        assert worth([*heard, "new"]) > worth(heard)


@pytest.mark.parametrize(
    ("heard", "independent"), [("a", 1.0), ("ab", 1.5), ("abc", 1.8), ("aa", 1.2), ("aab", 1.6), ("aaa", 1.3), ("", 0)]
)
def test_what_voices_are_worth_follows_the_published_correlations(heard: str, independent: float) -> None:
    assert round(worth(heard), 1) == independent


_FINDING = Finding("F-001", FindingSeverity.HIGH, "t", "c", (), None, 1)
_GROUP = Group("G-001", (Claim("w0", _FINDING),))
_VERDICTS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from((Verdict.AGREE, Verdict.DISAGREE, None))), min_size=1, max_size=5
)


def _class(given: list[tuple[str, Verdict | None]], order: list[int], quorum: int) -> FindingClass:
    """The class of a finding that w0 raised, by the verdicts of others and their voices, told in that order."""
    voices = {f"w{number}": given[number][0] for number in order}
    ballots = [
        Ballot(1, f"w{number}", Answer("G-001", verdict, Basis.LOGIC, "r", (), 1))
        for number in order
        if number and (verdict := given[number][1]) is not None
    ]
    return outcome(_GROUP, ballots, voices, quorum=quorum).finding_class


@given(_VERDICTS, st.randoms(), st.integers(1, 3))
def test_a_class_needs_its_quorum_of_voices_in_whatever_order_they_speak(
    given_by: list[tuple[str, Verdict | None]], chance: object, quorum: int
) -> None:
    order = list(range(len(given_by)))
    found = _class(given_by, order, quorum)
    spoke = {voice for number, (voice, verdict) in enumerate(given_by) if number == 0 or verdict is not None}
    aborted = found in (FindingClass.SINGLE_SOURCE, FindingClass.ABORTED)
    assert aborted is (len(spoke) < quorum)
    chance.shuffle(order)  # type: ignore[attr-defined]
    assert _class(given_by, order, quorum) is found


@given(_VERDICTS, st.sampled_from((Verdict.AGREE, Verdict.DISAGREE)))
def test_no_second_session_of_a_voice_that_spoke_makes_a_quorum(
    given_by: list[tuple[str, Verdict | None]], verdict: Verdict
) -> None:
    before = _class(given_by, list(range(len(given_by))), 3)
    more = [*given_by, (given_by[0][0], verdict)]
    after = _class(more, list(range(len(more))), 3)
    closed = (FindingClass.SINGLE_SOURCE, FindingClass.ABORTED)
    assert (before in closed) is (after in closed)


@given(st.dictionaries(st.sampled_from("vwxyz"), st.sampled_from("abc"), min_size=1), st.integers(1, 3))
def test_a_plans_gate_counts_voices_and_not_analysts(voices_of: dict[str, str], quorum: int) -> None:
    answers = {worker: [Answer("PLAN", Verdict.AGREE, None, "r", (), 1)] for worker in voices_of}
    gate = plan_gate(answers, voices_of, ["PLAN"], quorum=quorum).gate
    assert gate is (Gate.PASSED if len(set(voices_of.values())) >= quorum else Gate.ABORTED)
