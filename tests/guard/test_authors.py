"""Whom the traces of workers name as the author of a change."""

from __future__ import annotations

import pytest

from okstra_ctl.guard.authorship import Evidence, RefMove, TracedCommand, author_of, pushes
from okstra_ctl.guard.breaches import SOMEBODY, UNKNOWN, Changed, Entry, Place, Snapshot, judge

MAIN, OWN, GIT, HOOKS = "/p", "/w", "/p/.git", "/run/hooks"
HEADS = {MAIN: "ref: refs/heads/main", OWN: "ref: refs/heads/feat-t"}
SNAPSHOT = Snapshot({}, HEADS, {}, {}, {}, {})


def traced(line: str, *, at: str = MAIN, status: int | None = 0, hooks: str = "", sid: str = "1") -> TracedCommand:
    return TracedCommand("a", sid, tuple(line.split()), at, "", status, hooks)


def evidence(*commands: TracedCommand, moves: tuple[RefMove, ...] = (), at_work: bool = True) -> Evidence:
    return Evidence(commands, moves, at_work, HOOKS, GIT, frozenset(HEADS))


def changed(kind: str, what: str, folder: str = "") -> Changed:
    return Changed(kind, what, "", Place.SHARED, "", folder=folder)


MAIN_REF, TRACKING, STASH = changed("ref", "refs/heads/main"), changed("remote-ref", "refs/remotes/o/x"), "refs/stash"
CAUSED = [
    (MAIN_REF, traced("commit -m x")),
    (MAIN_REF, traced("-C /p -c user.name=x commit -m x")),
    (MAIN_REF, traced("reset --hard HEAD~1")),
    (MAIN_REF, traced("pull", status=1)),
    (MAIN_REF, traced("update-ref refs/heads/main HEAD~1", at=OWN)),
    (MAIN_REF, traced("update-ref --stdin", at=OWN)),
    (MAIN_REF, traced("branch -f main HEAD", at=OWN)),
    (MAIN_REF, traced("fetch . +HEAD:main", at=OWN)),
    (MAIN_REF, traced("receive-pack /p", at="")),
    (MAIN_REF, traced("receive-pack /p/.git", at="")),
    (changed("ref", "refs/heads/new"), traced("worktree add -b new ../new")),
    (changed("ref", "refs/heads/new"), traced("switch --create=new")),
    (changed("ref", "refs/tags/v1"), traced("tag v1")),
    (changed("ref", "refs/tags/v1"), traced("fetch")),
    (changed("ref", STASH), traced("stash", at=OWN)),
    (changed("ref", STASH), traced("stash pop", at=OWN, status=1)),
    (changed("ref", "refs/replace/abc"), traced("replace abc def")),
    (TRACKING, traced("fetch o")),
    (TRACKING, traced("remote update")),
    (TRACKING, traced("push o", status=None)),
    (changed("head", MAIN, MAIN), traced("checkout --detach")),
    (changed("head", MAIN, MAIN), traced("symbolic-ref HEAD refs/heads/x")),
    (changed("worktree", "/x/stray"), traced("worktree add ../x/stray")),
    (changed("main-worktree", "a", MAIN), traced("restore a")),
    (changed("ignored-file", "a", MAIN), traced("clean -fdx")),
    (changed("settings", f"{GIT}/config"), traced("config a.b c")),
    (changed("settings", f"{GIT}/config"), traced("config --unset a.b")),
    (changed("settings", f"{GIT}/config"), traced("remote add o url")),
    (changed("settings", f"{GIT}/config"), traced("push -u o x")),
    (changed("settings", f"{GIT}/config"), traced("branch --set-upstream-to=o/x")),
    (changed("settings", f"{GIT}/info/sparse-checkout"), traced("sparse-checkout set a")),
    (changed("settings", "/home/.gitconfig"), traced("config --global a.b c")),
]
NOT_CAUSED = [
    (MAIN_REF, traced("commit -m x", at=OWN)),
    (MAIN_REF, traced("commit -m x", at="/elsewhere")),
    (MAIN_REF, traced("commit -m x", status=1)),
    (MAIN_REF, traced("commit -m x", hooks=HOOKS)),
    (MAIN_REF, traced("log main")),
    (MAIN_REF, traced("branch other", at=OWN)),
    (MAIN_REF, traced("receive-pack /elsewhere", at="")),
    (changed("ref", STASH), traced("stash list")),
    (changed("ref", STASH), traced("commit -m x")),
    (changed("ref", "refs/heads/new"), traced("fetch o")),
    (TRACKING, traced("commit -m x")),
    (TRACKING, traced("remote -v")),
    (TRACKING, traced("fetch o", hooks=HOOKS)),
    (changed("head", MAIN, MAIN), traced("checkout --detach", at=OWN)),
    (changed("worktree", "/x/stray"), traced("worktree list")),
    (changed("worktree", "/x/stray"), traced("worktree add ../other")),
    (changed("main-worktree", "a", MAIN), traced("restore a", at=OWN)),
    (changed("main-worktree", "a", MAIN), traced("status")),
    (changed("settings", f"{GIT}/config"), traced("config a.b")),
    (changed("settings", f"{GIT}/config"), traced("config --list")),
    (changed("settings", f"{GIT}/config"), traced("config --global a.b c")),
    (changed("settings", f"{GIT}/config"), traced("branch new")),
    (changed("settings", f"{GIT}/config"), traced("maintenance run --auto --quiet")),
    (changed("settings", f"{GIT}/config"), traced("remote")),
    (changed("settings", f"{GIT}/hooks/post-commit"), traced("config a.b c")),
    (changed("settings", "/home/.gitconfig"), traced("config a.b c")),
    (changed("settings", "/home/.claude/settings.json"), traced("config --global a.b c")),
    (MAIN_REF, traced("")),
    (MAIN_REF, traced("-C")),
]


@pytest.mark.parametrize(("one", "command"), CAUSED)
def test_a_command_that_could_have_done_it_names_its_worker(one: Changed, command: TracedCommand) -> None:
    assert author_of(one, evidence(traced("status"), command), SNAPSHOT, SNAPSHOT) == "worker a"


@pytest.mark.parametrize(("one", "command"), NOT_CAUSED)
def test_a_command_that_could_not_have_done_it_names_nobody(one: Changed, command: TracedCommand) -> None:
    assert author_of(one, evidence(command), SNAPSHOT, SNAPSHOT) == UNKNOWN


def test_a_ref_that_the_hook_saw_a_worker_move_is_that_workers() -> None:
    move = RefMove("b", "1", False, "0" * 40, "1" * 40, "refs/heads/main")
    assert author_of(MAIN_REF, evidence(moves=(move,)), SNAPSHOT, SNAPSHOT) == "worker b"
    assert author_of(MAIN_REF, evidence(moves=(move._replace(refused=True),)), SNAPSHOT, SNAPSHOT) == UNKNOWN
    assert author_of(TRACKING, evidence(moves=(move,)), SNAPSHOT, SNAPSHOT) == UNKNOWN


def test_where_no_worker_was_at_work_it_was_somebody_else() -> None:
    assert author_of(MAIN_REF, evidence(at_work=False), SNAPSHOT, SNAPSHOT) == SOMEBODY


REFUSED = RefMove("a", "9", True, "0" * 40, "1" * 40, "refs/remotes/o/x")


@pytest.mark.parametrize(
    ("command", "moves", "counts"),
    [
        (traced("push o x"), (), True),
        (traced("send-pack url x", at=OWN), (), True),
        (traced("push o x", status=1), (), False),
        (traced("push o x", status=128), (), False),
        (traced("push o x", status=1, sid="9"), (REFUSED,), True),
        (traced("push --dry-run o x"), (), False),
        (traced("push o x", at="/elsewhere"), (), False),
        (traced("fetch o", status=1, sid="9"), (REFUSED,), False),
    ],
)
def test_a_push_that_ended_well_is_one(command: TracedCommand, moves: tuple[RefMove, ...], counts: bool) -> None:
    child = command._replace(sid=f"{command.sid}/child")
    assert len(pushes(evidence(command, child, moves=moves))) == int(counts)


@pytest.mark.parametrize(
    ("place", "author", "expected"),
    [
        (Place.OKSTRAS, "worker a", "breach"),
        (Place.SHARED, "worker a", "breach"),
        (Place.BUSY, "worker a", "breach"),
        (Place.OKSTRAS, UNKNOWN, "breach"),
        (Place.SHARED, UNKNOWN, "note"),
        (Place.BUSY, UNKNOWN, "nothing"),
        (Place.OKSTRAS, SOMEBODY, "note"),
        (Place.SHARED, SOMEBODY, "note"),
    ],
)
def test_the_run_fails_for_its_workers_and_for_the_unknown_in_okstras_places(
    place: Place, author: str, expected: str
) -> None:
    one = Changed("ref", "refs/heads/x", "it moved", place, "git log", "git undo")
    found = judge([one], lambda changed: author)
    breach = Entry("ref", "refs/heads/x", "it moved", author, "git log", "git undo")
    assert found.breaches == ((breach,) if expected == "breach" else ())
    assert found.notes == ((breach._replace(undo=""),) if expected == "note" else ())


def test_of_many_notes_the_first_of_each_kind_say_enough() -> None:
    many = [changed("ignored-file", f"{number:03d}.log") for number in range(500)]
    found = judge([*many, changed("ref", "refs/tags/v1")], lambda one: UNKNOWN)
    assert [one.what for one in found.notes[:20]] == [f"{number:03d}.log" for number in range(20)]
    assert [one.what for one in found.notes[20:]] == ["refs/tags/v1", "480 more"]


def test_what_a_contained_worker_can_not_reach_it_did_not_change() -> None:
    """Its git commands, too, worked on a copy: a person's tag of the same name is the person's."""
    for one, command in CAUSED:
        contained = evidence(command)._replace(contained=True)
        assert author_of(one, contained, SNAPSHOT, SNAPSHOT) == SOMEBODY
        own = one._replace(place=Place.OKSTRAS)
        assert author_of(own, contained, SNAPSHOT, SNAPSHOT) == author_of(own, evidence(command), SNAPSHOT, SNAPSHOT)
