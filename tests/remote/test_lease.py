"""A lease is judged by the observer's own clock, since it first saw this very claim."""

from __future__ import annotations

import pytest

from okstra_ctl.errors import Refused, UsageError
from okstra_ctl.remote import shared_task as rules
from okstra_ctl.remote.lease_rules import Moment, Sightings, lapsed, watch
from okstra_ctl.settings.claims_remote import claims_settings, lease_seconds
from support.shared_tasks import AT, approved, claim, claimed, holder, tokens, wish

LEASE = 1800


def seen(*states: rules.SharedTask, every: float = 600, boot: str = "b") -> Sightings:
    known: Sightings = {}
    for count, state in enumerate(states):
        known = watch(state, known, Moment(boot, count * every))
    return known


def alive(*stages: int) -> rules.SharedTask:
    """These stages, each after its first sign of life."""
    return rules.renew(claimed(*stages), tokens(stages))


def test_a_run_that_nobody_gives_signs_for_is_never_taken_by_a_lease() -> None:
    assert seen(*[claimed(1)] * 3) == {}
    assert list(seen(claim(alive(1), wish(2, "t2")))) == ["1"]


def test_a_claim_can_be_the_first_sign_of_life_and_the_next_one_begins_the_watch_anew() -> None:
    led = claim(approved(), wish(1, "t1")._replace(beat=1), wish(2, "t2"))
    assert list(seen(led)) == ["1"], "the other is led by hand"
    assert lapsed(seen(led).get("1"), LEASE, Moment("b", LEASE)) is not None
    assert lapsed(seen(led, rules.renew(led, tokens((1,)))).get("1"), LEASE, Moment("b", LEASE)) is None


def test_who_integrates_gives_signs_until_the_claim_is_over() -> None:
    begun = rules.claim_integration(approved(), holder(), "i", at=AT)
    known = seen(begun, begun, rules.renew_integration(begun, "i"))
    assert lapsed(known["integration"], LEASE, Moment("b", 1800)) is None
    beats = [
        state.integration.claim.beat for state in (begun, rules.renew_integration(begun, "i")) if state.integration
    ]
    assert beats == [0, 1]
    with pytest.raises(Refused, match="held by host-1") as raised:
        rules.renew_integration(begun, "other")
    assert raised.value.code == "integration-taken"
    assert "okstra integrate --task-key demo:core:T-1 --force" in raised.value.hint
    with pytest.raises(Refused):
        rules.renew_integration(rules.end_integration(begun, "i"), "i")


def test_a_claim_that_stays_as_it_is_for_a_lease_has_lapsed() -> None:
    known = seen(*[alive(1)] * 3)
    assert lapsed(known.get("1"), LEASE, Moment("b", 1799)) is None
    watched = lapsed(known.get("1"), LEASE, Moment("b", 1800))
    assert watched is not None
    wished = wish(1, "u1")
    taken = rules.take_over(alive(1), wished, holder("m2"), why=rules.Takeover.LEASE, at=AT, watched=watched)
    assert taken.holds(1, "u1")


def test_a_sign_of_life_begins_the_watch_anew() -> None:
    known = seen(alive(1), alive(1), rules.renew(alive(1), {1: "t1"}))
    assert lapsed(known.get("1"), LEASE, Moment("b", 1800)) is None
    assert lapsed(known.get("1"), LEASE, Moment("b", 1200 + LEASE)) is not None


def test_another_claim_begins_the_watch_anew() -> None:
    again = rules.renew(claim(rules.release(alive(1), 1, "t1"), wish(1, "t9")), {1: "t9"})
    assert lapsed(seen(alive(1), alive(1), again).get("1"), LEASE, Moment("b", 1900)) is None


def test_what_other_stages_do_does_not_count() -> None:
    known = seen(alive(1), claim(alive(1), wish(2, "t2")), claim(alive(1), wish(3, "t3")))
    assert lapsed(known.get("1"), LEASE, Moment("b", 1800)) is not None


def test_after_a_reboot_the_watch_begins_anew() -> None:
    known = watch(alive(1), seen(alive(1), alive(1)), Moment("other", 5))
    assert lapsed(known.get("1"), LEASE, Moment("other", 1800)) is None
    assert lapsed(known.get("1"), LEASE, Moment("b", 99_999)) is None


def test_without_a_lease_nothing_lapses() -> None:
    assert lapsed(seen(alive(1)).get("1"), 0, Moment("b", 10**9)) is None
    assert lapsed(None, LEASE, Moment("b", 10**9)) is None


def test_what_nobody_holds_is_not_watched() -> None:
    assert seen(alive(1), rules.release(alive(1), 1, "t1")) == {}
    integrating = rules.claim_integration(approved(), holder(), "i", at=AT)
    assert list(seen(integrating)) == ["integration"]


@pytest.mark.parametrize(("text", "seconds"), [("", 0), ("5m", 300), ("30m", 1800), ("2h", 7200)])
def test_a_lease_is_minutes_or_hours(text: str, seconds: int) -> None:
    assert lease_seconds(text) == seconds


@pytest.mark.parametrize("text", ["4m", "299s", "30", "0h", "1d", "-5m", " 5m", "٥m"])
def test_a_lease_of_seconds_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        lease_seconds(text)


@pytest.mark.parametrize("name", ["https://example.invalid/x", "../x", "-u", "a b", "ext::sh -c id", ""])
def test_a_project_names_a_remote_never_an_address(name: str) -> None:
    with pytest.raises(UsageError):
        claims_settings({"claims": name})
    assert claims_settings({"claims": "off"}).remote == claims_settings({}).remote == ""
