"""What removing a worktree would lose: finds it, and keeps it by a ref or refuses (docs/design/reservation.md).

Uncommitted and untracked files, commits on a detached HEAD, and all of that in the worktree's submodules,
whose repositories are removed with it. Ignored files are not kept.

What was written between the saving and the removal of the folder is detected: the folder is moved first, so that nobody
can write into it by its path any more; then its content is compared with the state at the time of saving.
"""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from .. import git
from ..errors import Refused
from ..git import kept as kept_work
from ..git import submodules, worktree_admin
from ..names import StageKey, TaskKey, branch_segment
from ..quoting import quote
from ..system import files
from .create import unreferenced_head

_MARKER = "okstra.leaving"
_HINT = "commit or move the work, or use --force: it is then kept by a ref under refs/okstra/kept/"


class Saved(NamedTuple):
    """`ref` keeps what would have been lost; empty when there was nothing. `ignored` is what git ignores: not kept."""

    ref: str
    ignored: tuple[str, ...] = ()
    seen: tuple[Place, ...] = ()
    """The state when it was saved; whatever differs later was written meanwhile."""


class SavePolicy(NamedTuple):
    """Forced: what would be lost is kept by a ref under `refs/okstra/kept/` instead of being refused."""

    force: bool
    skip_teardown: bool = False
    """`worktreeTeardown` is not run: the person says so."""


def kept_prefix(key: TaskKey | StageKey) -> str:
    """The prefix of the refs that keep a worktree's unsaved work."""
    task, place = (key.task, f"stage-{key.stage}") if isinstance(key, StageKey) else (key, "task")
    return f"{kept_place(task)}{place}/"


def kept_place(task: TaskKey) -> str:
    """The prefix of all refs that keep work of a task; made of segments, so no two tasks share it."""
    segments = [branch_segment(name) for name in (task.project_segment, task.group_segment, task.id_segment)]
    return f"refs/okstra/kept/{'/'.join(segments)}/"


def save_unsaved(path: str, key: TaskKey | StageKey, policy: SavePolicy, *, again: int = 0) -> Saved:
    """Keeps by a ref what removing the folder would lose. Raises Refused unless forced.

    `again`: how often it was saved before in the same removal; the ref of the last time sorts last.
    """
    ref = _new_ref(key) + (f"-again-{again}" if again else "")
    inside = {name: git.dirty_files(os.path.join(path, name)) for name in submodules.initialised_below(path)}
    dirty, ignored = git.unsaved(path)
    seen = state_of(path, dirty, inside)
    kept_below = _save_submodules(path, ref, policy, inside)
    head = git.resolve(path, "HEAD") or ""
    unreachable = git.unreachable_commits(path, head) if head and not git.head_branch(path) else 0
    if not dirty and not unreachable:
        return Saved(kept_below, tuple(ignored), seen)
    if not policy.force:
        raise _dirty(path, dirty) if dirty else _unreachable(path, unreachable)
    _refuse_repositories_inside(path, dirty)
    if dirty:
        kept_work.snapshot(path, f"okstra: what {key} held when its worktree was removed", ref)
    else:
        kept_work.keep(path, head, ref)
    return Saved(ref, tuple(ignored), seen)


def save_detached(project_root: str, path: str, key: TaskKey | StageKey, policy: SavePolicy) -> Saved:
    """As `save_unsaved`, for a worktree whose folder is gone: git's record of it may still hold commits."""
    repository = git.discover(project_root)
    admin = worktree_admin.at(repository.common_dir, path) if repository else None
    commit = unreferenced_head(repository, admin) if repository and admin else ""
    if repository is None or not commit:
        return Saved("")
    if not policy.force:
        raise _unreachable(path, git.unreachable_commits(repository.top, commit))
    ref = _new_ref(key)
    kept_work.keep(repository.top, commit, ref)
    return Saved(ref)


def _save_submodules(path: str, ref: str, policy: SavePolicy, inside_of: Mapping[str, list[str]]) -> str:
    """The submodules' unsaved work goes into the main worktree's copies of them, under the same ref's name."""
    repository = git.discover(path) if inside_of else None
    main = git.main_worktree(repository) if repository else ""
    kept = ""
    for number, (name, dirty) in enumerate(inside_of.items()):
        inside, copy = os.path.join(path, name), os.path.join(main, name) if main else ""
        tips = submodules.commits_only_here(inside, copy)
        if not dirty and not tips:
            continue
        if not policy.force:
            raise _dirty(path, [f"{name}/{file}" for file in dirty]) if dirty else _unreachable(inside, len(tips))
        if not submodules.is_checked_out(copy):
            raise Refused(
                "worktree-dirty",
                f"the submodule {name} has unsaved work, and the main worktree has no copy of it that could keep it",
                where=inside,
                hint=f"push it, or `git submodule update --init {quote(name)}` in the main worktree",
            )
        _refuse_repositories_inside(inside, dirty)
        kept = f"{ref}-{number}"
        if dirty:
            tips = [*tips, kept_work.snapshot(inside, f"okstra: what {name} held uncommitted", f"{kept}-files")]
        submodules.hand_over(inside, copy, {f"{kept}-{index}": tip for index, tip in enumerate(tips)})
    return kept


def _refuse_repositories_inside(path: str, dirty: list[str]) -> None:
    """git would record a repository inside the worktree as a commit id only: its files and commits would be lost."""
    inside = [name for name in dirty if name.endswith("/") and os.path.lexists(os.path.join(path, name, ".git"))]
    if inside:
        raise Refused(
            "worktree-dirty",
            f"{', '.join(inside)} is a repository of its own, which a ref of this one can't keep",
            where=path,
            hint="move it away, then try again",
        )


def _new_ref(key: TaskKey | StageKey) -> str:
    return f"{kept_prefix(key)}{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}"


def _dirty(path: str, names: list[str]) -> Refused:
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    hint = f"{_HINT}{how_git_shows(path, names)}"
    return Refused(
        "worktree-dirty", f"{len(names)} file(s) are uncommitted or untracked: {shown}", where=path, hint=hint
    )


def how_git_shows(worktree: str, names: Sequence[str]) -> str:
    """The commands after which `git status` shows those of the files whose edits the index hides: a sentence to add to
    a hint, or "" when there are none."""
    hidden = sorted(set(git.hidden_edits(worktree)) & set(names))
    if not hidden:
        return ""

    files = " ".join(shlex.quote(name) for name in hidden)
    clear = f"git -C {shlex.quote(worktree)} update-index"
    commands = " && ".join(f"{clear} {flag} -- {files}" for flag in ("--no-assume-unchanged", "--no-skip-worktree"))
    return f"; the index is marked so that `git status` hides {', '.join(hidden)}; to see the edits: {commands}"


def _unreachable(path: str, count: int) -> Refused:
    return Refused("commits-unreachable", f"{count} commit(s) would be on no branch, in {path}", where=path, hint=_HINT)


class Place(NamedTuple):
    """A working folder: the worktree's own (`below` is empty), or a submodule's. `files`: its dirty files, each
    with marks that change when the file does. `refs`: of a submodule."""

    below: str
    git_dir: str
    files: Mapping[str, tuple[int, ...]]
    refs: bytes = b""


def state_of(path: str, dirty: Iterable[str], inside: Mapping[str, Iterable[str]]) -> tuple[Place, ...]:
    """The state that is about to be saved: the dirty files of the worktree, and of its submodules (`inside`)."""
    own = Place("", os.path.realpath(git.worktree_git_dir(path)), _marks(path, dirty))
    return own, *(_submodule(path, below, names) for below, names in inside.items())


def changed_since(moved: str, seen: Iterable[Place]) -> bool:
    """Whether the folder, now at `moved`, has changed since the state `seen`."""
    return any(_differs(os.path.join(moved, place.below) if place.below else moved, place) for place in seen)


def mark_removing(path: str) -> None:
    """Marks the worktree in git's folder of it as being removed: somebody may write in it again, if this process dies
    before the folder is gone."""
    files.replace(os.path.join(git.worktree_git_dir(path), _MARKER), b"")


def unmark_removing(path: str) -> None:
    files.discard(os.path.join(git.worktree_git_dir(path), _MARKER))


def is_being_removed(admin_folder: str) -> bool:
    return os.path.lexists(os.path.join(admin_folder, _MARKER))


def _submodule(path: str, below: str, dirty: Iterable[str]) -> Place:
    folder = os.path.join(path, below)
    git_dir = _git_dir_of(folder) or os.path.realpath(git.worktree_git_dir(folder))
    return Place(below, git_dir, _marks(folder, dirty), submodules.refs_of(git_dir, folder))


def _differs(folder: str, place: Place) -> bool:
    git_dir = _git_dir_of(folder) or place.git_dir
    if place.below and submodules.refs_of(git_dir, folder) != place.refs:
        return True
    now = _marks(folder, git.dirty_files_moved(git_dir, folder))
    return any(place.files.get(name) != mark for name, mark in now.items())


def _git_dir_of(folder: str) -> str:
    """The git folder inside a submodule, which moves with it; empty when it is elsewhere."""
    inside = os.path.join(folder, ".git")
    return inside if os.path.isdir(inside) else ""


def _marks(folder: str, names: Iterable[str]) -> dict[str, tuple[int, ...]]:
    return {name: _mark(os.path.join(folder, name)) for name in names}


def _mark(path: str) -> tuple[int, ...]:
    try:
        found = os.lstat(path)
    except OSError:
        return ()
    return (found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
