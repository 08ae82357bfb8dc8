"""What it says about a finding that okstra ran the commands that are cited for and against it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.results.commands import (
    Seen,
    checked_command,
    cited_commands,
    is_constant,
    needs_second_run,
    reaches_outside,
    turned,
)
from okstra_ctl.results.convergence import Ballot, Claim, Group, Outcome, outcome, unverified
from okstra_ctl.results.documents import finding_json
from okstra_ctl.results.evidence import Checked
from okstra_ctl.results.records import (
    Answer,
    Basis,
    Evidence,
    EvidenceStatus,
    Finding,
    FindingClass,
    FindingSeverity,
    Verdict,
)
from okstra_ctl.results.worker import parse_evidence
from okstra_ctl.system.shell_lists import simple_commands

VOICES = {"a": "claude", "b": "codex", "c": "gemini"}
LINE = Evidence("src/x.py", 4, 4, "x = 1", "", None)


def command(exit_status: int = 1, text: str = "make test") -> Evidence:
    return Evidence("", 0, 0, "", text, exit_status)


def seen(*exits: int, why: str = "") -> Seen:
    return Seen("make test", "c0ffee", exits, why, "2 failed\n")


@pytest.mark.parametrize(
    ("cited", "ran", "status", "note"),
    [
        (1, seen(1), "verified", "okstra saw exit 1"),
        (1, seen(0, 0), "contradicted", "okstra saw exit 0, twice"),
        (0, seen(1, 1), "contradicted", "okstra saw exit 1, twice"),
        (1, seen(0, 1), "flaky", "okstra saw exit 0, then 1"),
        (0, seen(1, 0), "flaky", "okstra saw exit 1, then 0"),
        (1, seen(why="no sandbox"), "not-run", "no sandbox"),
        (-9, seen(137), "verified", "okstra saw exit 137"),
        (137, seen(-9), "verified", "okstra saw exit -9"),
        (2, None, "unchecked", "okstra has no record of this command"),
    ],
)
def test_a_cited_command_stands_beside_what_okstra_saw(cited: int, ran: Seen | None, status: str, note: str) -> None:
    checked = checked_command(command(cited), ran)
    assert (checked.status, checked.note) == (status, note)
    assert checked.exits == (ran.exits if ran else ())


@pytest.mark.parametrize(("exit_status", "read"), [(256, False), (255, True), (-64, True), (-65, False), (1, True)])
def test_no_process_ends_with_a_status_beyond_a_byte_or_a_signal(exit_status: int, read: bool) -> None:
    line = parse_evidence(f"command `make test` exit {exit_status}")
    assert line == (command(exit_status) if read else None)


def test_a_second_run_is_for_a_worker_that_the_first_contradicts() -> None:
    assert not needs_second_run((1,), 1)
    assert needs_second_run((1,), 0)
    assert needs_second_run((0, 1), 1)
    assert not needs_second_run((-9, 137), -9)


def test_a_command_is_named_once_with_every_exit_that_is_claimed_for_it() -> None:
    lines = [command(1), LINE, command(0, "make lint"), command(0), command(1)]
    assert cited_commands(lines) == {"make test": (1, 0), "make lint": (0,)}


@pytest.mark.parametrize(
    ("commands", "told"),
    [
        (["pytest -q"], ""),
        (["git diff --stat"], ""),
        (["git log", "git push origin main"], "git push"),
        (["A=1 B=2 curl -s localhost"], "curl -s"),
        (["/usr/bin/ssh host"], "/usr/bin/ssh host"),
        (["npm test"], ""),
        (["npm install"], "npm install"),
        (["sudo make install"], "sudo make"),
        (["env A=1 git push"], "git push"),
        (["timeout -k 5 10 curl -s localhost"], "curl -s"),
        (["command ssh host"], "ssh host"),
        (["command -v ssh"], ""),
        (["git -C . -c a.b=c --no-pager push origin"], "git push"),
        (["git --git-dir=.git log push"], ""),
        (["A='1 2' git push"], "git push"),
        (["  "], ""),
    ],
)
def test_a_command_that_asks_or_changes_what_is_outside_is_known(commands: list[str], told: str) -> None:
    assert reaches_outside(commands) == told


@pytest.mark.parametrize(
    "commands",
    [
        *(["false"], ["exit 3"], ["echo broken", "false"], ["true"], [":"], ["cd src", "true"], ["A=1 false"]),
        *(["command false"], ["env -i true"], ["timeout 9 false"], ["test 1 = 2"], ["[ -n x ]"], ["[ 1 -eq 2 ]"]),
    ],
)
def test_a_command_that_has_nothing_to_do_with_the_code_is_known(commands: list[str]) -> None:
    assert is_constant(commands)
    assert not is_constant([*commands, "grep -q x src/x.py"])


@pytest.mark.parametrize("command", ["test -e x", "[ -n $(cat x) ]", '[ "$X" = 1 ]', "command -v x", "make", "env"])
def test_a_command_that_asks_for_something_is_not_constant(command: str) -> None:
    assert not is_constant([command])


@pytest.mark.parametrize(
    ("command", "simple"),
    [
        ("true # I ran the whole suite; all green", ["true"]),
        ("# first (it's slow)\nfalse # then\n", ["false"]),
        ("(cd src && (false)) # so", ["cd src", "false"]),
        ("echo a#b '#c' \\#d; x\\ #e", ["echo a#b '#c' \\#d", "x\\ #e"]),
        ("# nothing", []),
        ("(true; for x in 1; do :; done)", None),
        ("if true; then git push; fi", None),
    ],
)
def test_the_simple_commands_of_a_line_are_those_without_comments_and_brackets(
    command: str, simple: list[str] | None
) -> None:
    assert simple_commands(command) == simple


def test_a_command_has_turned_when_each_run_was_red_before_and_green_after() -> None:
    assert turned(seen(1), seen(0))
    assert turned(seen(1, 2), seen(0, 0))
    for before, after in (
        (seen(0), seen(0)),
        (seen(1), seen(1)),
        (seen(1, 0), seen(0)),
        (seen(1), seen(0, 1)),
        (seen(why="time"), seen(0)),
        (seen(1), seen(why="time")),
        (None, seen(0)),
        (seen(1), None),
    ):
        assert not turned(before, after)


# What it does to the class, to the mark, and to what closes


def settled(
    evidence: Mapping[Evidence, str],
    verdicts: Mapping[str, tuple[Verdict, Basis | None, Evidence | None]] | None = None,
    *,
    raisers: str = "ab",
    against: Mapping[Evidence, str] | None = None,
) -> Outcome:
    """The outcome for two analysts; evidence and its status, of the finding and of the answers."""
    found = Finding("F-001", FindingSeverity.HIGH, "t", "it breaks", tuple(evidence), None, 1)
    group = Group("G-001", tuple(Claim(worker, found) for worker in raisers))
    ballots = [
        Ballot(1, worker, Answer("G-001", verdict, basis, "because", (line,) if line else (), 1))
        for worker, (verdict, basis, line) in (verdicts or {}).items()
    ]
    checks = {line: Checked(line, EvidenceStatus(word)) for line, word in {**evidence, **(against or {})}.items()}
    voices = {name: VOICES[name] for name in "abc" if name in {*raisers, *(verdicts or {})}}
    return outcome(group, ballots, voices, quorum=2, checks=checks)


@pytest.mark.parametrize(
    ("evidence", "class_", "status", "mark"),
    [
        ({command(): "verified"}, "consensus", "verified", "shown"),
        ({command(): "contradicted"}, "contested", "contradicted", "not-shown"),
        ({command(): "contradicted", LINE: "not-found"}, "contested", "not-found", "not-shown"),
        ({command(): "contradicted", LINE: "verified"}, "consensus", "verified", "not-shown"),
        ({command(): "contradicted", LINE: "unchecked"}, "consensus", "unchecked", "not-shown"),
        ({command(): "contradicted", command(2, "make it"): "verified"}, "consensus", "verified", "shown"),
        ({command(): "flaky"}, "consensus", "flaky", "not-shown"),
        ({command(): "not-run"}, "consensus", "not-run", "not-shown"),
        ({LINE: "verified"}, "consensus", "verified", "not-shown"),
        ({LINE: "not-found", command(): "verified"}, "contested", "not-found", "not-shown"),
    ],
)
def test_both_cite_it_and_okstra_saw_it(evidence: Mapping[Evidence, str], class_: str, status: str, mark: str) -> None:
    found = settled(evidence)
    assert (found.finding_class, found.evidence_status, found.mark) == (class_, status, mark)
    assert finding_json(found)["mark"] == mark


@pytest.mark.parametrize("status", ["contradicted", "not-found"])
def test_a_majority_for_what_is_not_there_is_none(status: str) -> None:
    verdicts = {"c": (Verdict.DISAGREE, Basis.LOGIC, None)}
    line = command() if status == "contradicted" else LINE
    assert settled({line: "verified"}, verdicts).finding_class is FindingClass.MAJORITY
    assert settled({line: status}, verdicts).finding_class is FindingClass.CONTESTED


def test_verifiers_of_a_stage_agree_on_nothing_that_a_run_contradicts() -> None:
    found = Finding("F-001", FindingSeverity.HIGH, "t", "it breaks", (command(),), None, 1)
    group = Group("G-001", (Claim("a", found), Claim("b", found)))
    two = {"a": "claude", "b": "codex"}
    checks = {command(): Checked(command(), EvidenceStatus.CONTRADICTED)}
    assert unverified(group, two, checks).finding_class is FindingClass.CONTESTED
    checks = {command(): Checked(command(), EvidenceStatus.VERIFIED)}
    shown = unverified(group, two, checks)
    assert (shown.finding_class, shown.mark) == ("consensus", "shown")


REFUTED_BY = command(0, "make check")


@pytest.mark.parametrize(
    ("basis", "line", "status", "closed"),
    [
        (Basis.EVIDENCE, REFUTED_BY, "verified", True),
        (Basis.EVIDENCE, REFUTED_BY, "contradicted", False),
        (Basis.EVIDENCE, REFUTED_BY, "flaky", False),
        (Basis.EVIDENCE, REFUTED_BY, "not-run", False),
        (Basis.EVIDENCE, REFUTED_BY, "unchecked", False),
        (Basis.EVIDENCE, LINE, "verified", False),
        (Basis.LOGIC, REFUTED_BY, "verified", False),
        (Basis.SCOPE, REFUTED_BY, "verified", False),
        (Basis.SEVERITY, REFUTED_BY, "verified", False),
        (Basis.DUPLICATE, REFUTED_BY, "verified", False),
    ],
)
def test_only_a_command_that_okstra_saw_end_as_cited_closes_a_finding(
    basis: Basis, line: Evidence, status: str, closed: bool
) -> None:
    no = (Verdict.DISAGREE, basis, line)
    other = Evidence("src/y.py", 1, 1, "y", "", None)
    found = settled(
        {other: "verified"}, {"b": no, "c": (Verdict.DISAGREE, Basis.LOGIC, None)}, raisers="a", against={line: status}
    )
    assert found.finding_class is FindingClass.REFUTED
    assert bool(found.closed_by) is closed
    if closed:
        assert "make check" in found.closed_by


def test_who_has_changed_its_mind_closes_nothing_any_more() -> None:
    """`b` refuted in round 1, and agrees in round 2; `a` and `c` refute without a command."""
    found = Finding("F-001", FindingSeverity.HIGH, "t", "it breaks", (LINE,), None, 1)
    no = Answer("G-001", Verdict.DISAGREE, Basis.EVIDENCE, "because", (REFUTED_BY,), 1)
    plain = no._replace(evidence=())
    ballots = [
        *(Ballot(1, "b", no), Ballot(1, "c", plain)),
        *(Ballot(2, "a", plain), Ballot(2, "b", plain._replace(verdict=Verdict.AGREE, basis=None))),
    ]
    checks = {REFUTED_BY: Checked(REFUTED_BY, EvidenceStatus.VERIFIED)}
    settled = outcome(Group("G-001", (Claim("a", found),)), ballots, VOICES, quorum=2, checks=checks)
    assert (settled.finding_class, settled.closed_by) == (FindingClass.REFUTED, "")


def test_a_finding_is_shown_by_the_command_of_one_who_agrees() -> None:
    support = command(1, "make check")
    yes = (Verdict.SUPPLEMENT, None, support)
    assert settled({LINE: "verified"}, {"b": yes}, raisers="a", against={support: "verified"}).mark == "shown"
    assert settled({LINE: "verified"}, {"b": yes}, raisers="a", against={support: "flaky"}).mark == "not-shown"


_STATUSES = st.sampled_from([*EvidenceStatus])


@given(
    st.lists(st.tuples(st.integers(0, 3), st.booleans(), _STATUSES), min_size=1, max_size=4),
    st.dictionaries(
        st.sampled_from("bc"), st.tuples(st.sampled_from([*Verdict]), st.sampled_from([*Basis]), _STATUSES), max_size=2
    ),
)
def test_nothing_is_shown_or_closed_without_a_verified_command(
    cited: list[tuple[int, bool, EvidenceStatus]],
    verdicts: dict[str, tuple[Verdict, Basis, EvidenceStatus]],
) -> None:
    evidence = {
        (command(number, f"run {number}") if is_command else LINE._replace(first=number)): str(status)
        for number, is_command, status in cited
    }
    against = {command(0, f"against by {worker}"): str(status) for worker, (_, _, status) in verdicts.items()}
    lines = dict(zip(verdicts, against, strict=True))
    given = {worker: (verdict, basis, lines[worker]) for worker, (verdict, basis, _) in verdicts.items()}
    found = settled(evidence, given, raisers="a", against=against)
    verified = [line for line, status in {**evidence, **against}.items() if status == "verified" and line.command]
    if found.mark == "shown" or found.closed_by:
        assert verified
    if all(status in ("contradicted", "not-found") for status in evidence.values()):
        assert found.finding_class not in (FindingClass.CONSENSUS, FindingClass.MAJORITY)
