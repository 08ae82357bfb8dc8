"""Every command that the receipt prints, run as a person would: in the run's own worktree it leads back to what was
there before, and keeps what it replaces; anywhere else it changes nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from okstra_ctl import git
from okstra_ctl.guard.breaches import Changed, Rights, Snapshot, changes
from okstra_ctl.guard.snapshot import SnapshotScope
from okstra_ctl.guard.snapshot import snapshot as take
from support.repos import Repo

MARK = "the worker's words"
WRITE = f"echo {MARK!r} >"


class Place:
    """A main checkout, and a linked worktree on a branch of its own, locked as okstra locks it."""

    def __init__(self, repo: Repo) -> None:
        self.repo = repo
        repo.commit({"b.txt": "b\n", "dir/c.txt": "c\n", ".gitignore": "*.log\n"}, "More")
        self.worktree = repo.path.parent / "it's here"
        repo.git("worktree", "add", "--quiet", "--lock", "-b", "feat-t", str(self.worktree))
        self.rights = Rights(
            main=str(repo.path),
            worktree=str(self.worktree),
            branch="",
            own_branch="refs/heads/feat-t",
            edits=False,
            okstras=frozenset(["refs/heads/feat-t", str(self.worktree)]),
            busy=frozenset(),
        )
        self.looks = SnapshotScope(str(self.worktree), (), (), (), str(repo.path / ".git" / "hooks"))
        self.before = self.snapshot()
        self.state = self.look()

    def snapshot(self) -> Snapshot:
        repository = git.discover(str(self.repo.path))
        assert repository is not None
        return take(repository, self.looks, self.repo.environment)

    def changes(self) -> tuple[Changed, ...]:
        return changes(self.before, self.snapshot(), self.rights)

    def shell(self, command: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", command],
            cwd=folder or self.repo.path.parent,
            env={**self.repo.environment, "GIT_PAGER": "cat"},
            capture_output=True,
            text=True,
        )

    def work(self, command: str) -> None:
        done = self.shell(f"set -e; {command}", self.worktree)
        assert done.returncode == 0, done.stderr

    def look(self) -> tuple[object, ...]:
        """Refs but those that keep what was replaced; HEADs; status and contents of the worktree."""
        refs = self.repo.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        kept = ("refs/okstra/kept/", "refs/stash ")
        own = Repo(self.worktree, self.repo.environment)
        return (
            [ref for ref in refs if not ref.startswith(kept)],
            self.repo.git("symbolic-ref", "HEAD"),
            own.git("symbolic-ref", "HEAD", check=False),
            own.git("rev-parse", "HEAD"),
            own.git("status", "--porcelain", "--untracked-files=all"),
            own.git("ls-files", "--stage", "-v"),
            {path.name: path.read_text() for path in self.worktree.rglob("*.txt")},
        )

    def is_reachable(self, text: str) -> bool:
        """Whether a ref leads to the text: in a file, or in a message."""
        listed = self.repo.git("rev-list", "--all", "--objects").splitlines()
        return any(text in self.repo.git("cat-file", "-p", line.split()[0]) for line in listed)


@pytest.fixture
def place(repo: Repo) -> Place:
    return Place(repo)


COMMIT = f"git -c user.name=w -c user.email=w@localhost commit --quiet --allow-empty -m {MARK!r}"
IN_THE_WORKTREE = {
    "an unstaged edit": f"{WRITE} README.md",
    "a staged edit": f"{WRITE} README.md; git add README.md",
    "a staged edit, edited again": f"{WRITE} README.md; git add README.md; echo again >> README.md",
    "a staged new file": f"{WRITE} new.txt; git add new.txt",
    "a staged new file, deleted again": f"{WRITE} new.txt; git add new.txt; rm new.txt",
    "an untracked file": f"{WRITE} 'it is new.txt'",
    "an untracked folder": f"mkdir -p deep/er; {WRITE} deep/er/new.txt",
    "an edit hidden by assume-unchanged": f"git update-index --assume-unchanged README.md; {WRITE} README.md",
    "an edit hidden by skip-worktree": f"git update-index --skip-worktree README.md; {WRITE} README.md",
    "a commit on the branch": f"{WRITE} README.md; git add README.md; {COMMIT}",
    "an amended branch": "git -c user.name=w -c user.email=w@localhost commit --quiet --amend "
    f"-m {MARK!r} --allow-empty",
    "a branch moved under the worktree": "git update-ref refs/heads/feat-t "
    f"$(git -c user.name=w -c user.email=w@localhost commit-tree -m {MARK!r} HEAD^{{tree}})",
    "a commit on a detached HEAD": f"git checkout --quiet --detach; {WRITE} README.md; git add README.md; {COMMIT}",
    "a branch that was made and switched to": f"git switch --quiet --create sneaky; {WRITE} b.txt; git add b.txt; "
    f"{COMMIT}; git switch --quiet --detach; git branch --quiet -D sneaky",
    "all at once": f"{WRITE} README.md; git add README.md; {COMMIT}; git checkout --quiet --detach; {COMMIT}; "
    f"git rm --quiet b.txt; {WRITE} dir/c.txt; {WRITE} new.txt",
}
NOTHING_NEW = {
    "a staged delete": "git rm --quiet README.md",
    "an unstaged delete": "rm README.md",
    "a file that became executable": "chmod +x README.md",
    "a staged rename": "git mv README.md moved.txt",
    "a detached HEAD": "git checkout --quiet --detach",
    "a HEAD on another branch": "git checkout --quiet --ignore-other-worktrees main",
    "a branch that was reset": "git reset --quiet --hard HEAD~1",
}
GONE = {
    "a removed worktree": 'git -C "$MAIN" worktree remove --force --force "$WORKTREE"',
    "a removed worktree and its branch": 'git -C "$MAIN" worktree remove --force --force "$WORKTREE"; '
    'git -C "$MAIN" branch --quiet -D feat-t',
    "a worktree whose folder went": 'rm -rf "$WORKTREE"',
}


def undo(place: Place, found: Sequence[Changed]) -> None:
    assert any(one.undo for one in found), found
    for one in found:
        done = place.shell(one.undo)
        assert done.returncode == 0, (one, done.stderr)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("name", [*IN_THE_WORKTREE, *NOTHING_NEW])
def test_undoing_leads_back_and_keeps_what_it_replaces(place: Place, name: str, backwards: bool) -> None:
    place.work({**IN_THE_WORKTREE, **NOTHING_NEW}[name])
    found = place.changes()
    head = Repo(place.worktree, place.repo.environment).git("rev-parse", "HEAD")
    undo(place, found[::-1] if backwards else found)
    assert place.look() == place.state
    assert head in place.repo.git("rev-list", "--all").split()
    if name in IN_THE_WORKTREE:
        assert place.is_reachable(MARK)


@pytest.mark.parametrize("name", GONE)
def test_a_worktree_that_was_removed_comes_back(place: Place, name: str) -> None:
    done = place.shell(f"MAIN={place.repo.path}; WORKTREE={str(place.worktree)!r}; {GONE[name]}")
    assert done.returncode == 0, done.stderr
    undo(place, place.changes())
    assert place.look() == place.state


def test_where_the_worktree_was_not_clean_before_nothing_is_undone_over_it(place: Place) -> None:
    (place.worktree / "b.txt").write_text("a person's\n")
    place.before = place.snapshot()
    place.work(f"{WRITE} README.md")
    assert [(one.kind, one.what, one.undo) for one in place.changes()] == [("source-edit", "README.md", "")]


IN_THE_MAIN_CHECKOUT = {
    "an edit": "echo an hour of work >> README.md",
    "a staged edit": "echo an hour of work >> README.md; git add README.md",
    "a staged new file": "echo an hour of work > new.txt; git add new.txt",
    "a staged delete": "git rm --quiet b.txt",
    "an untracked file": "echo an hour of work > 'my notes.txt'",
    "an ignored file": "echo an hour of work > a.log",
    "a commit": "echo an hour of work >> README.md; git commit --quiet -am mine",
    "a branch": "git branch mine",
    "a switch": "git switch --quiet --create mine",
    "a stash": "echo an hour of work >> README.md; git stash --quiet",
    "a tag": "git tag -m mine mine",
    "a setting": "git config alias.mine status",
    "a hook": "echo true > .git/hooks/post-commit",
    "an exclude": "echo mine >> .git/info/exclude",
    "a worktree": 'git worktree add --quiet "../mine"',
    "a deleted branch": "git branch --quiet -D spare",
    "a remote-tracking ref": "git update-ref refs/remotes/origin/main HEAD",
}


@pytest.mark.parametrize("name", IN_THE_MAIN_CHECKOUT)
def test_what_is_printed_of_a_persons_own_doings_changes_nothing(repo: Repo, name: str) -> None:
    repo.git("branch", "spare")
    place = Place(repo)
    done = place.shell(f"set -e; {IN_THE_MAIN_CHECKOUT[name]}", repo.path)
    assert done.returncode == 0, done.stderr

    def state() -> list[str]:
        return [
            repo.git("for-each-ref"),
            repo.git("symbolic-ref", "HEAD"),
            repo.git("status", "--porcelain", "--ignored"),
            repo.git("diff", "HEAD"),
            repo.git("config", "--list"),
            *(f"{path}{path.read_bytes()!r}" for path in sorted(repo.path.glob("*.*")) if path.is_file()),
        ]

    found, before = place.changes(), state()
    assert found
    for one in found:
        assert one.undo == ""
        assert one.look
        done = place.shell(one.look)
        assert done.returncode == 0, (one, done.stderr)
    assert state() == before
