"""The compare-and-swap over a real remote: who was faster wins, nobody wins twice, and the clone sees nothing of it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from okstra_ctl.errors import InternalError, Missing, OkstraError, Refused, Unreadable, UsageError
from okstra_ctl.git.transport import place_of
from okstra_ctl.remote import exchange as exchanges
from okstra_ctl.remote.exchange import Change, Exchange, Seen
from okstra_ctl.remote.ref_names import task_ref
from okstra_ctl.remote.shared_task import Approval, approve, claim_stages, publish_done, release
from okstra_ctl.system.locks import LockKind, locked
from support.remotes import Remote, Seat
from support.sealed import in_environment
from support.shared_tasks import AT, COMMIT, DIGEST, KEY, holder, wish

REF = task_ref("refs/okstra/tasks", KEY)


@pytest.fixture(autouse=True)
def quick(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(exchanges, "_FIRST_PAUSE", 0.01)
    with in_environment(environment):
        yield


@pytest.fixture
def remote(tmp_path: Path, environment: dict[str, str]) -> Remote:
    return Remote.make(tmp_path / "remote.git", environment)


@pytest.fixture
def seats(tmp_path: Path, remote: Remote) -> tuple[Seat, Seat]:
    return Seat(tmp_path / "a", remote), Seat(tmp_path / "b", remote)


def published(one: Exchange) -> Seen:
    return one.change(
        lambda seen: Change(approve(seen.task, Approval(DIGEST, "Kim", AT)), "approve the plan", plan=b"# Plan\n")
    )


def claim(one: Exchange, stage: int, token: str, machine: str = "m1") -> Seen:
    def decide(seen: Seen) -> Change:
        wishes = [wish(stage, token)]
        task = claim_stages(seen.task, wishes, holder(machine), plan_digest=DIGEST, anchor=COMMIT, at=AT)
        return Change(task, f"claim stage {stage}")

    return one.change(decide)


def code_of(error: pytest.ExceptionInfo[OkstraError]) -> str:
    return error.value.code


def test_what_one_machine_publishes_another_reads(seats: tuple[Seat, Seat]) -> None:
    published(seats[0].exchange())
    claim(seats[0].exchange(), 1, "t1")
    seen = seats[1].exchange().read()
    assert seen.task.holds(1, "t1") and seen.files.plan == b"# Plan\n"
    with pytest.raises(Refused) as caught:
        claim(seats[1].exchange(), 1, "u1", "m2")
    assert code_of(caught) == "stage-taken" and "host-1" in caught.value.message
    assert claim(seats[1].exchange(), 2, "u2", "m2").task.holds(2, "u2")


def test_who_was_slower_decides_anew_on_what_the_faster_one_did(seats: tuple[Seat, Seat]) -> None:
    published(seats[0].exchange())
    looked: list[int] = []

    def slow(seen: Seen) -> Change:
        if not looked:
            claim(seats[0].exchange(), 1, "t1")
        free = 1 if 1 not in seen.task.stages else 2
        looked.append(free)
        task = claim_stages(seen.task, [wish(free, "u")], holder("m2"), plan_digest=DIGEST, anchor=COMMIT, at=AT)
        return Change(task, "claim")

    seen = seats[1].exchange().change(slow)
    assert looked == [1, 2] and seen.tries == 2
    assert seen.task.holds(1, "t1") and seen.task.holds(2, "u")


def test_the_commits_of_a_done_stage_come_to_the_remote_with_the_change(
    seats: tuple[Seat, Seat], remote: Remote
) -> None:
    seat = seats[0]
    published(seat.exchange())
    claim(seat.exchange(), 1, "t1")
    work = seat.clone.commit({"a.py": "a = 1\n"}, "feat: a")
    done = lambda seen: Change(publish_done(seen.task, 1, epoch=1, token="t1", head=work), "done", (work,))  # noqa: E731
    seen = seat.exchange().change(done)
    assert seen.task.is_done(1)
    assert remote.git("rev-list", "--parents", "-1", REF).split()[2] == work
    assert remote.git("show", f"{work}:a.py") == "a = 1"
    remote.git("gc", "--quiet", "--prune=now")
    assert remote.git("cat-file", "-t", work) == "commit"
    assert seats[1].exchange().read().task.stages[1].head == work


def test_nothing_of_the_clone_changes(seats: tuple[Seat, Seat]) -> None:
    clone = seats[0].clone

    def state() -> list[object]:
        git = clone.path / ".git"
        kept = [path for path in sorted(git.rglob("*")) if path.is_file() and "objects" not in path.parts]
        return [clone.git("for-each-ref"), *[(str(path), path.read_bytes()) for path in kept]]

    clone.git("status")
    before = state()
    published(seats[0].exchange())
    claim(seats[0].exchange(), 1, "t1")
    published(seats[0].exchange(namespace="refs/heads/okstra-claims"))
    seats[0].exchange().read()
    assert state() == before


def test_a_side_repository_keeps_no_reading_behind(seats: tuple[Seat, Seat]) -> None:
    one = seats[0].exchange()
    published(one)
    dead = subprocess.Popen(["true"])
    dead.wait()
    git = ["git", f"--git-dir={one.side.path}"]
    subprocess.run([*git, "update-ref", f"refs/reading/{dead.pid}-00", one.side.seen(REF)], check=True)
    (Path(one.side.path) / "refs" / "seen" / "okstra" / "tasks" / "demo" / "core" / "T-1.lock").touch()
    claim(seats[1].exchange(), 1, "t1")
    assert one.read().task.holds(1, "t1")
    listed = subprocess.run([*git, "for-each-ref", "--format=%(refname)"], capture_output=True, text=True, check=True)
    assert listed.stdout.split() == [f"refs/seen/{REF.removeprefix('refs/')}"]


def test_a_lock_that_a_killed_git_left_on_the_remote_is_named(seats: tuple[Seat, Seat], remote: Remote) -> None:
    published(seats[0].exchange())
    lock = remote.path / f"{REF}.lock"
    lock.touch()
    with pytest.raises(Refused) as caught:
        claim(seats[0].exchange(), 1, "t1")
    assert caught.value.code == "remote-refused"
    assert str(lock) in caught.value.message.replace("/./", "/") and "removes that file" in caught.value.hint
    lock.unlink()
    assert claim(seats[0].exchange(), 1, "t1").task.holds(1, "t1")


def test_a_remote_that_does_not_answer_is_named(seats: tuple[Seat, Seat], remote: Remote) -> None:
    published(seats[0].exchange())
    remote.path.rename(remote.path.with_name("away"))
    with pytest.raises(Missing) as caught:
        seats[0].exchange().read()
    assert code_of(caught) == "remote-unreachable" and str(remote.path) in caught.value.where
    assert seats[0].exchange().last_seen().task.plan_digest == DIGEST


def test_a_remote_that_never_takes_a_change_refuses_in_its_own_words(seats: tuple[Seat, Seat], remote: Remote) -> None:
    hook = remote.path / "hooks" / "update"
    hook.write_text("#!/bin/sh\necho not on a Friday >&2\nexit 1\n")
    hook.chmod(0o755)
    tries: list[str] = []

    def decide(seen: Seen) -> Change:
        tries.append(seen.tip)
        return Change(approve(seen.task, Approval(DIGEST, "Kim", AT)), "approve")

    with pytest.raises(Refused) as caught:
        seats[0].exchange().change(decide)
    assert code_of(caught) == "remote-refused" and "not on a Friday" in caught.value.message
    assert len(tries) == 3


@pytest.mark.parametrize("how", ["gone", "older", "other"])
def test_a_remote_that_lost_what_was_seen_claims_nothing_and_is_restored(
    how: str, seats: tuple[Seat, Seat], remote: Remote
) -> None:
    published(seats[0].exchange())
    old = remote.refs()[REF]
    claim(seats[0].exchange(), 1, "t1")
    if how == "older":
        remote.git("update-ref", REF, old)
    else:
        remote.git("update-ref", "-d", REF)
    if how == "other":  # a machine that had never seen it begins anew
        published(seats[1].exchange())
        claim(seats[1].exchange(), 2, "u2", "m2")
    theirs = remote.refs().get(REF)
    with pytest.raises(Unreadable) as caught:
        claim(seats[0].exchange(), 2, "t2")
    assert code_of(caught) == "remote-rewound" and "reconcile --publish" in caught.value.hint
    assert remote.refs().get(REF) == theirs
    restored = seats[0].exchange().republish()
    assert restored.task.holds(1, "t1")
    assert seats[1].exchange().read().task.holds(1, "t1")
    if how == "other":
        assert restored.task.holds(2, "u2")
        assert theirs in remote.git("rev-list", REF).split()


def test_objects_that_a_clone_lent_are_fetched_once_it_is_gone(tmp_path: Path, remote: Remote) -> None:
    seat, other = Seat(tmp_path / "a", remote), Seat(tmp_path / "b", remote)
    other.home = seat.home
    published(seat.exchange())
    claim(seat.exchange(), 1, "t1")
    work = seat.clone.commit({"a.py": "a = 1\n"}, "feat: a")
    seat.exchange().change(
        lambda seen: Change(publish_done(seen.task, 1, epoch=1, token="t1", head=work), "done", (work,))
    )
    side = other.exchange().side
    lenders = (Path(side.path) / "objects" / "info" / "alternates").read_text().splitlines()
    assert lenders == [str(one.clone.path / ".git" / "objects") for one in (seat, other)]
    subprocess.run(["rm", "-rf", str(seat.clone.path)], check=True)
    third = Seat(tmp_path / "c", remote)
    claim(third.exchange(), 2, "v2", "m3")
    assert other.exchange().read().task.holds(2, "v2")
    assert claim(other.exchange(), 3, "u3", "m1").task.holds(3, "u3")


def test_a_relative_remote_counts_from_the_clones_top(tmp_path: Path, remote: Remote) -> None:
    seat = Seat(tmp_path / "a", remote, url="../../remote.git")
    published(seat.exchange())
    assert REF in remote.refs()


def test_the_push_address_and_rewritten_addresses_of_the_clone_hold(tmp_path: Path, remote: Remote) -> None:
    seat = Seat(tmp_path / "a", remote, url="nowhere:repo.git")
    seat.clone.git("config", "remote.origin.pushurl", "team:remote.git")
    seat.clone.git("config", f"url.{tmp_path}/.insteadOf", "team:")
    published(seat.exchange())
    assert REF in remote.refs()


def test_a_login_in_the_address_is_not_shown(tmp_path: Path, remote: Remote) -> None:
    seat = Seat(tmp_path / "a", remote, url="http://kim:hunter2secret@127.0.0.1:9/repo.git")
    with pytest.raises(Missing) as caught:
        seat.exchange().read()
    text = f"{caught.value.message} {caught.value.where} {caught.value.hint}"
    assert "127.0.0.1:9/repo.git" in text and "hunter2" not in text


def test_a_remote_that_is_not_one_place_is_refused(seats: tuple[Seat, Seat], remote: Remote) -> None:
    clone = seats[0].clone
    with pytest.raises(UsageError):
        place_of(str(clone.path), "upstream")
    clone.git("config", "--add", "remote.origin.pushurl", remote.url)
    clone.git("config", "--add", "remote.origin.pushurl", "elsewhere")
    with pytest.raises(UsageError) as caught:
        seats[0].exchange()
    assert "several places" in caught.value.message


def test_a_shallow_clone_is_refused_with_the_remedy(tmp_path: Path, remote: Remote) -> None:
    seat = Seat(tmp_path / "a", remote)
    (seat.clone.path / ".git" / "shallow").write_text(seat.clone.git("rev-parse", "HEAD") + "\n")
    with pytest.raises(Refused) as caught:
        seat.exchange()
    assert "--unshallow" in caught.value.hint


def test_the_network_is_never_waited_for_under_a_lock(seats: tuple[Seat, Seat], tmp_path: Path) -> None:
    one = seats[0].exchange()
    with locked(LockKind.REGISTRY, str(tmp_path / "a.lock")), pytest.raises(InternalError):
        one.read()


def test_what_is_given_back_can_be_claimed_elsewhere(seats: tuple[Seat, Seat]) -> None:
    published(seats[0].exchange())
    claim(seats[0].exchange(), 1, "t1")
    seats[0].exchange().change(lambda seen: Change(release(seen.task, 1, "t1"), "release stage 1"))
    assert claim(seats[1].exchange(), 1, "u1", "m2").task.stages[1].claim.epoch == 2
