"""Commands that bring a run's own worktree back to what it was before the run: for a person to read and paste.

What they replace stays reachable: commits by a ref below `refs/okstra/kept/undone/`, files by an entry of git's
stash. None of them forces anything, and each can be called by itself, in any order, and again.
"""

from __future__ import annotations

from ..quoting import quote

_KEPT = "refs/okstra/kept/undone/"
_REF = "ref: "


def changed_files(worktree: str, path: str, *, hidden: bool) -> str:
    """All at once: git's stash takes staged, unstaged and untracked files, and of a deleted one by itself it says
    that it knows no such file."""
    git = _git(worktree)
    shown = [f"{git} update-index --no-{flag} -- {quote(path)}" for flag in ("assume-unchanged", "skip-worktree")]
    return " && ".join([*(shown if hidden else []), _stash(git)])


def moved_head(worktree: str, old: str, commit: str) -> str:
    """`old` is what HEAD was: `ref: <branch>` or a commit; `commit` what it is at now, if that is known."""
    git = _git(worktree)
    if old.startswith(_REF):
        back = f"{git} symbolic-ref HEAD {quote(old.removeprefix(_REF))}"
    else:
        back = f"{git} update-ref --no-deref HEAD {old}"
    return " && ".join([*_kept(git, commit), back, _stash(git)])


def moved_branch(worktree: str, ref: str, old: str, new: str) -> str:
    """Empty where there was no such branch: none is deleted."""
    if not old:
        return ""
    git = _git(worktree)
    return " && ".join([*_kept(git, new), f"{git} update-ref {quote(ref)} {old} {new}".rstrip(), _stash(git)])


def removed_worktree(main: str, worktree: str, old: str, branch_before: str, *, known: bool) -> str:
    """`branch_before` is where its branch was: if that is gone too, it is made again. `known`: git still lists it,
    locked, and is told twice that it may be added."""
    git, folder = _git(main), f"{'--force --force ' if known else ''}{quote(worktree)}"
    if not old.startswith(_REF):
        return f"{git} worktree add --detach {folder} {old}"
    ref = old.removeprefix(_REF)
    there = f"{git} rev-parse --verify --quiet {quote(ref)}"
    made = f"{git} update-ref {quote(ref)} {branch_before} ''"
    add = f"{git} worktree add {folder} {quote(ref.removeprefix('refs/heads/'))}"
    return f"({there} || {made}) && {add}" if branch_before else add


def _git(folder: str) -> str:
    return f"git -C {quote(folder)}"


def _kept(git: str, commit: str) -> list[str]:
    return [f"{git} update-ref {_KEPT}{commit} {commit}"] if commit else []


def _stash(git: str) -> str:
    return f"{git} stash push --include-untracked --message 'changed during an okstra run'"
