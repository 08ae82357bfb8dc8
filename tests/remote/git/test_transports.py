"""Over each transport: a change in two connections, an answer that was cut off, a server that hangs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from okstra_ctl.errors import Missing
from okstra_ctl.remote import exchange as exchanges
from okstra_ctl.remote import side_repository
from okstra_ctl.remote.exchange import Change, Exchange, Seen
from okstra_ctl.remote.shared_task import Approval, approve, claim_stages, publish_done
from support.git_servers import git_daemon, git_over_http, proxied, silent_server, speaks_http
from support.remotes import Remote, Seat
from support.sealed import in_environment
from support.shared_tasks import AT, COMMIT, DIGEST, holder, wish


@pytest.fixture(autouse=True)
def quick(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(exchanges, "_FIRST_PAUSE", 0.01)
    with in_environment(environment):
        yield


@pytest.fixture
def remote(tmp_path: Path, environment: dict[str, str]) -> Remote:
    (tmp_path / "served").mkdir()
    return Remote.make(tmp_path / "served" / "remote.git", environment)


def publish(one: Exchange) -> Seen:
    return one.change(lambda seen: Change(approve(seen.task, Approval(DIGEST, "Kim", AT)), "approve", plan=b"# P\n"))


def claim(one: Exchange, stages: list[int], token: str) -> Seen:
    def decide(seen: Seen) -> Change:
        wishes = [wish(stage, f"{token}-{stage}") for stage in stages]
        task = claim_stages(seen.task, wishes, holder(), plan_digest=DIGEST, anchor=COMMIT, at=AT)
        return Change(task, f"claim {stages}")

    return one.change(decide)


NEEDS_HTTP = pytest.mark.skipif(not speaks_http(), reason="this git was built without curl")


@pytest.mark.parametrize("transport", ["git", pytest.param("http", marks=NEEDS_HTTP)])
def test_a_stage_goes_from_its_claim_to_done(transport: str, tmp_path: Path, remote: Remote) -> None:
    serve = {"git": git_daemon, "http": git_over_http}[transport]
    with serve(remote.path.parent, remote.environment) as port:
        url = f"{transport}://127.0.0.1:{port}/remote.git"
        seat, other = Seat(tmp_path / "a", remote, url=url), Seat(tmp_path / "b", remote, url=url)
        publish(seat.exchange())
        claim(seat.exchange(), [1], "t")
        work = seat.clone.commit({"a.py": "a = 1\n"}, "feat: a")
        seat.exchange().change(
            lambda seen: Change(publish_done(seen.task, 1, epoch=1, token="t-1", head=work), "done", (work,))
        )
        assert other.exchange().read().task.stages[1].head == work
        assert remote.git("show", f"{work}:a.py") == "a = 1"


def test_a_claim_of_one_stage_or_fifty_is_two_connections(tmp_path: Path, remote: Remote) -> None:
    with git_daemon(remote.path.parent, remote.environment) as port, proxied(port) as proxy:
        seat = Seat(tmp_path / "a", remote, url=f"git://127.0.0.1:{proxy.port}/remote.git")
        publish(seat.exchange())
        for stages in ([1], list(range(2, 52))):
            before = proxy.connections
            seen = claim(seat.exchange(), stages, "t")
            assert proxy.connections - before == 2 and seen.tries == 1
            assert all(seen.task.holds(stage, f"t-{stage}") for stage in stages)


def test_a_claim_whose_answer_was_cut_off_is_known_by_its_commit(tmp_path: Path, remote: Remote) -> None:
    with git_daemon(remote.path.parent, remote.environment) as port, proxied(port) as proxy:
        seat = Seat(tmp_path / "a", remote, url=f"git://127.0.0.1:{proxy.port}/remote.git")
        publish(seat.exchange())
        before = len(remote.git("rev-list", "--all").split())
        proxy.cut = 1
        seen = claim(seat.exchange(), [1], "t")
        assert proxy.cut == 0
        assert seen.task.holds(1, "t-1") and seen.tries == 1
        assert len(remote.git("rev-list", "--all").split()) == before + 1


def test_a_claim_whose_answer_was_cut_off_and_that_was_taken_over_counts_as_lost(
    tmp_path: Path, remote: Remote
) -> None:
    """It was won, and does not stand: the state says so."""
    from okstra_ctl.remote.shared_task import Takeover, take_over

    with git_daemon(remote.path.parent, remote.environment) as port, proxied(port) as proxy:
        seat = Seat(tmp_path / "a", remote, url=f"git://127.0.0.1:{proxy.port}/remote.git")
        other = Seat(tmp_path / "b", remote)
        publish(seat.exchange())
        one = seat.exchange()
        read = one.side.read

        def meanwhile(ref: str) -> side_repository.Sight:
            if proxy.cut == 0 and not taken:
                taken.append(True)
                steal = lambda seen: Change(  # noqa: E731
                    take_over(seen.task, wish(1, "u"), holder("m2"), why=Takeover.PERSON, at=AT), "take over"
                )
                other.exchange().change(steal)
            return read(ref)

        taken: list[bool] = []
        proxy.cut = 1
        one.side.read = meanwhile  # type: ignore[method-assign]
        seen = claim(one, [1], "t")
        assert taken and not seen.task.holds(1, "t-1") and seen.task.holds(1, "u")


def test_a_server_that_hangs_ends_with_an_error_and_no_process_is_left(
    tmp_path: Path, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_repository, "SECONDS", 0.5)
    with silent_server() as port:
        for scheme in ("git", "http") if speaks_http() else ("git",):
            one = Seat(tmp_path / scheme, remote, url=f"{scheme}://127.0.0.1:{port}/remote.git").exchange()
            began = time.monotonic()
            with pytest.raises(Missing) as caught:
                one.read()
            assert caught.value.code == "remote-unreachable" and "in time" in caught.value.message
            assert time.monotonic() - began < 20
        marks = f"127.0.0.1:{port}".encode()
        left = [path for path in Path("/proc").glob("[0-9]*/environ") if marks in _content(path)]
        assert left == []


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
