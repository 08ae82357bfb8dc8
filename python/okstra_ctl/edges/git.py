"""The git door: small named questions and changes, on bytes, branching on exit codes (spec 2, "Git").

Nothing here reads git's messages; a message is only passed on to people. Changes to what worktrees share
(`worktree_add_detached`, branches, removals) are made under the repository lock by the caller, who hands
in the lock's descriptors for git to inherit.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..words.errors import Missing, Refused, UsageError, WorkFailed
from . import fsio, proc

_PARALLEL_CHECKOUT = ("-c", "checkout.thresholdForParallelism=500")
NO_HOOKS = ("-c", f"core.hooksPath={os.devnull}")
SYNC_REFS = ("-c", "core.fsync=committed,reference", "-c", "core.fsyncMethod=fsync")
# A file system monitor that lies hides changes, one that stays holds our locks; signatures are shown among reflogs.
_SETTINGS = (("core.fsmonitor", "false"), ("log.showSignature", "false"))
NO_COMMIT = "0" * 40
OLDEST = (2, 38)


class Repository(NamedTuple):
    """Where git's parts of a checkout are. `head` is empty when there is no commit yet."""

    top: str
    git_dir: str
    common_dir: str
    head: str

    @property
    def linked(self) -> bool:
        """Whether `top` is a linked worktree, not the repository's main one."""
        return os.path.realpath(self.git_dir) != os.path.realpath(self.common_dir)

    @property
    def lock(self) -> str:
        """The repository lock's file (spec 2)."""
        return os.path.join(self.common_dir, "okstra.lock")


class Worktree(NamedTuple):
    """One entry of `git worktree list`. `branch` is short, empty when detached; `lock_reason` None when unlocked."""

    path: str
    head: str
    branch: str
    bare: bool
    lock_reason: str | None


def users_environment() -> dict[str, str]:
    """For commands of the user's: without inherited `GIT_*`, which would lead their git to another repository."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}


def environment() -> dict[str, str]:
    """For our git: nothing inherited, nothing asked, and no setting by which a repository hides a change from us."""
    settings = {
        f"GIT_CONFIG_{kind}_{number}": text
        for number, setting in enumerate(_SETTINGS)
        for kind, text in zip(("KEY", "VALUE"), setting, strict=True)
    }
    return {
        **users_environment(),
        **settings,
        "GIT_CONFIG_COUNT": str(len(_SETTINGS)),
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }


def _git(
    root: str, *args: str, keep_open: Sequence[int] = (), ask: bool = False, extra: dict[str, str] | None = None
) -> proc.Finished:
    return _start(root, *args, keep_open=keep_open, ask=ask, extra=extra).finish()


def _start(
    root: str, *args: str, keep_open: Sequence[int] = (), ask: bool = False, extra: dict[str, str] | None = None
) -> proc.Running:
    env = environment()
    if ask:
        env["GIT_OPTIONAL_LOCKS"] = "0"
    try:
        return proc.start(["git", "-C", root, *args], env={**env, **(extra or {})}, keep_open=keep_open)
    except Missing as error:
        raise Missing("git-missing", "git is not on the PATH", hint="install git 2.38 or newer") from error


def _must(finished: proc.Finished, doing: str) -> bytes:
    if not finished.ok:
        raise WorkFailed(
            "git-failed", f"git could not {doing}: {finished.complaint}", where=" ".join(finished.argv[:6])
        )
    return finished.stdout


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def discover(path: str) -> Repository | None:
    """The checkout that holds `path`; None when no git repository does.

    Raises WorkFailed (`git-failed`) when there is one but git won't open it, Missing when git is not installed.
    """
    if not _has_git_above(path):
        return None
    asked = ("--show-toplevel", "--git-dir", "--git-common-dir", "HEAD^{commit}")
    finished = _git(path, "rev-parse", "--path-format=absolute", *asked, ask=True)
    lines = _text(finished.stdout).splitlines()
    if len(lines) < 3 or (finished.ok and len(lines) != 4):
        return _discover_one_by_one(path)
    return Repository(lines[0], lines[1], lines[2], lines[3] if finished.ok else "")


def _discover_one_by_one(path: str) -> Repository | None:
    """The slow way, for bare repositories and for folders whose names hold newlines."""

    def ask(*args: str) -> str:
        out = _must(
            _git(path, "rev-parse", "--path-format=absolute", *args, ask=True), f"read the repository at {path}"
        )
        return _text(out).removesuffix("\n")

    if ask("--is-inside-work-tree") != "true":
        return None
    return Repository(ask("--show-toplevel"), ask("--git-dir"), ask("--git-common-dir"), resolve(path, "HEAD") or "")


def _has_git_above(path: str) -> bool:
    folder = os.path.abspath(path)
    while True:
        if os.path.lexists(os.path.join(folder, ".git")) or os.path.isfile(os.path.join(folder, "HEAD")):
            return True
        parent = os.path.dirname(folder)
        if parent == folder:
            return False
        folder = parent


def version() -> tuple[int, ...]:
    """git's version as numbers, e.g. (2, 39, 5). Raises Missing (`git-missing`)."""
    words = _text(_git(os.sep, "version", ask=True).stdout).split()
    return tuple(int(part) for part in (words[2] if len(words) > 2 else "0").split(".") if part.isdigit())


def has_identity(root: str) -> bool:
    return all(_git(root, "config", name, ask=True).ok for name in ("user.name", "user.email"))


def main_is_bare(repository: Repository) -> bool:
    """Whether the repository has no main worktree, so that linked ones are all that a person works in."""
    answer = _git(repository.common_dir, "config", "--type=bool", "core.bare", ask=True)
    return answer.stdout.strip() == b"true"


def main_worktree(repository: Repository) -> str:
    """The folder of the main worktree of a linked one; empty when there is none, or git keeps no trace of it."""
    named = _text(_git(repository.common_dir, "config", "core.worktree", ask=True).stdout).removesuffix("\n")
    if named:  # a submodule's: its git folder stands inside the outer repository's
        return os.path.normpath(os.path.join(repository.common_dir, named))
    return os.path.dirname(repository.common_dir) if os.path.basename(repository.common_dir) == ".git" else ""


def resolve(root: str, ref: str) -> str | None:
    """The commit id that `ref` names; None when it names none."""
    answer = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}", ask=True)
    return _text(answer.stdout).strip() if answer.ok else None


def resolve_given(root: str, ref: str, option: str) -> str:
    """As `resolve`, for a ref that a person gave. Raises UsageError (`bad-ref`)."""
    commit = resolve(root, ref)
    if commit is None:
        raise UsageError(
            "bad-ref", f"{ref!r} is no commit of this repository", where=option, hint="see `git branch -a`"
        )
    return commit


def branch_commit(root: str, branch: str) -> str | None:
    """The commit that a local branch stands at; None when there is no such branch."""
    return resolve(root, f"refs/heads/{branch}")


def branches_like(root: str, prefix: str) -> frozenset[str]:
    """Local branches whose names begin so."""
    out = _must(
        _git(root, "for-each-ref", "--format=%(refname:lstrip=2)", f"refs/heads/{prefix}*", ask=True), "list branches"
    )
    return frozenset(_text(out).split("\n")) - {""}


def head_branch(root: str) -> str:
    """The short name of the branch that HEAD is on; empty when detached."""
    return _text(_git(root, "symbolic-ref", "--quiet", "--short", "HEAD", ask=True).stdout).strip()


def is_ancestor(root: str, commit: str, of: str) -> bool:
    return _git(root, "merge-base", "--is-ancestor", commit, of, ask=True).ok


def is_on_a_branch(root: str, commit: str) -> bool:
    """Whether any branch, local or remote-tracking, or tag has the commit."""
    return bool(_git(root, "for-each-ref", "--count=1", f"--contains={commit}", ask=True).stdout.strip())


def newest_of(root: str, commits: Sequence[str]) -> str:
    """The one of the commits that comes last in the history of all of them."""
    out = _must(_git(root, "rev-list", "--topo-order", "--max-count=1", *commits, ask=True), "order commits")
    return _text(out).strip()


def commits_between(root: str, base: str, head: str) -> int:
    out = _must(_git(root, "rev-list", "--count", f"{base}..{head}", ask=True), "count commits")
    return int(out)


def changed_files(root: str, base: str, head: str) -> list[str]:
    """Paths that differ between two commits; a rename counts as both its names."""
    out = _must(_git(root, "diff", "--name-only", "--no-renames", "-z", base, head, ask=True), "compare commits")
    return [_text(name) for name in out.split(b"\0") if name]


def dirty_files(root: str) -> list[str]:
    """Uncommitted and untracked paths; ignored ones don't count."""
    out = _must(
        _git(root, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", ask=True),
        "read the status",
    )
    return [_text(entry[3:]) for entry in out.split(b"\0") if entry]


def ignored_files(root: str) -> list[str]:
    """Paths that git ignores, folders as one."""
    out = _must(_git(root, "status", "--porcelain=v1", "-z", "--ignored", "--no-renames", ask=True), "read the status")
    return [_text(entry[3:]) for entry in out.split(b"\0") if entry.startswith(b"!! ")]


def remote_refs(root: str) -> list[str]:
    """Remote-tracking branches, as full ref names."""
    out = _git(root, "for-each-ref", "--format=%(refname)", "refs/remotes", ask=True).stdout
    return [name for name in _text(out).splitlines() if not name.endswith("/HEAD")]


def tracked_changes(root: str) -> bool:
    """Whether a tracked file differs from HEAD; untracked files don't count."""
    out = _must(
        _git(root, "status", "--porcelain=v1", "-z", "--untracked-files=no", "--no-renames", ask=True),
        "read the status",
    )
    return bool(out)


def unreachable_commits(root: str, head: str) -> int:
    """How many commits of `head` no branch, tag or remote ref holds."""
    out = _must(
        _git(
            root,
            "rev-list",
            "--count",
            head,
            "--not",
            "--branches",
            "--tags",
            "--remotes",
            "--glob=refs/okstra",
            ask=True,
        ),
        "look for unreachable commits",
    )
    return int(out)


def worktrees(root: str) -> list[Worktree]:
    out = _must(_git(root, "worktree", "list", "--porcelain", "-z", ask=True), "list worktrees")
    return [_worktree(block) for block in _text(out).split("\0\0") if block.strip("\0")]


def _worktree(block: str) -> Worktree:
    fields: dict[str, str] = {}
    for line in block.split("\0"):
        name, _, value = line.partition(" ")
        fields[name] = value
    return Worktree(
        fields.get("worktree", ""),
        fields.get("HEAD", ""),
        fields.get("branch", "").removeprefix("refs/heads/"),
        "bare" in fields,
        fields.get("locked"),
    )


def worktree_add_detached(
    repository: Repository, path: str, commit: str, *, reason: str, keep_open: Sequence[int]
) -> None:
    """Adds a locked worktree without files and without a branch. Under the repository lock. Raises WorkFailed."""
    finished = _git(
        repository.top,
        *NO_HOOKS,
        *("worktree", "add", "--quiet", "--no-checkout", "--detach", "--lock", "--reason", reason, path, commit),
        keep_open=keep_open,
    )
    if not finished.ok:
        raise WorkFailed(
            "worktree-not-created",
            f"git could not add the worktree: {finished.complaint}",
            where=path,
            hint="mend what git says, then start the run again",
        )


def start_checkout(path: str, workers: int, keep_open: Sequence[int] = ()) -> proc.Running:
    """Begins to fill a worktree with the files of its HEAD, on several cores. Needs no lock."""
    return _start(
        path,
        *(*NO_HOOKS, "-c", f"checkout.workers={workers}", *_PARALLEL_CHECKOUT),
        *("reset", "--hard", "--quiet", "--no-recurse-submodules"),
        keep_open=keep_open,
    )


def finish_checkout(running: proc.Running, path: str, git_dir: str) -> None:
    """Waits for the checkout. git can end with 0 and leave a lock file behind: that is no ready worktree."""
    finished = running.finish()
    left = [name for name in ("index.lock", "HEAD.lock") if os.path.lexists(os.path.join(git_dir, name))]
    if not finished.ok or left:
        complaint = finished.complaint or f"it left {', '.join(left)} behind"
        raise WorkFailed("worktree-not-created", f"git could not check the files out: {complaint}", where=path)


def switch_detached(path: str, commit: str) -> None:
    """Puts a scratch worktree on a commit; untracked files that are not ignored go. Raises WorkFailed."""
    _must(_git(path, *NO_HOOKS, "checkout", "--quiet", "--detach", "--force", commit), f"check out {commit[:12]}")
    _must(_git(path, "clean", "-fdq"), "clear the scratch worktree")


def worktree_git_dir(path: str) -> str:
    """The admin folder of a linked worktree, read from its `.git` file."""
    with open(os.path.join(path, ".git"), encoding="utf-8", errors="surrogateescape") as file:
        return os.path.join(path, file.read().removeprefix("gitdir:").strip())


def create_branch(root: str, branch: str, commit: str, *, reason: str, keep_open: Sequence[int]) -> None:
    """Creates a local branch; an existing one is never moved. `reason` becomes the first line of its reflog.

    Raises Refused (`branch-exists`).
    """
    ref = f"refs/heads/{branch}"
    logged = ("--create-reflog", "-m", reason)
    finished = _git(root, *NO_HOOKS, *SYNC_REFS, "update-ref", *logged, ref, commit, NO_COMMIT, keep_open=keep_open)
    if finished.ok:
        return
    below = _text(_git(root, "for-each-ref", "--format=%(refname:lstrip=2)", f"{ref}/", ask=True).stdout).split("\n")[0]
    if below:
        raise branch_exists(below)
    if branch_commit(root, branch) is None:
        raise WorkFailed("git-failed", f"git could not create the branch {branch}: {finished.complaint}")
    raise branch_exists(branch)


def branch_reason(root: str, branch: str) -> str:
    """The reason that a branch was created with; empty when its reflog does not tell."""
    out = _git(root, "reflog", "show", "--format=%gs", f"refs/heads/{branch}", "--", ask=True).stdout
    return (_text(out).splitlines() or [""])[-1]


def branch_is_untouched(root: str, branch: str, reason: str) -> bool:
    """Whether nothing happened to the branch since it was created with that reason."""
    out = _git(root, "reflog", "show", "--format=%gs", f"refs/heads/{branch}", "--", ask=True).stdout
    return _text(out).splitlines() == [reason]


def branch_exists(branch: str) -> Refused:
    return Refused(
        "branch-exists",
        f"the branch {branch} exists already, and okstra did not make it for this",
        where=f"refs/heads/{branch}",
        hint=f"rename it (`git branch -m {branch} NEW`), delete it, or give the run another --work-category",
    )


def attach_head(path: str, branch: str, *, keep_open: Sequence[int]) -> None:
    """Puts a worktree's HEAD on a branch that stands at the same commit. Raises WorkFailed."""
    _must(_git(path, *SYNC_REFS, "symbolic-ref", "HEAD", f"refs/heads/{branch}", keep_open=keep_open), "attach HEAD")


def discard_branch_lock(common_dir: str, branch: str) -> None:
    """Removes the lock file that a killed git left on a branch of okstra's own. Under the repository lock.

    The branch is one that only this task's runs make, and no git of okstra's is at work: nobody holds it.
    """
    fsio.discard(os.path.join(common_dir, "refs", "heads", f"{branch}.lock"))


def delete_branch_at(root: str, branch: str, commit: str, *, keep_open: Sequence[int]) -> bool:
    """Deletes a branch only if it still stands at `commit`. Answers whether it did."""
    finished = _git(root, *NO_HOOKS, "update-ref", "-d", f"refs/heads/{branch}", commit, keep_open=keep_open)
    return finished.ok


def forget_worktree(root: str, path: str, *, keep_open: Sequence[int]) -> None:
    """Removes a worktree's admin folder after its files were moved away; a worktree git does not know is no error."""
    _git(root, "worktree", "remove", "--force", "--force", path, keep_open=keep_open)


def tracked(root: str, paths: Iterable[str]) -> set[str]:
    """Which of the paths git tracks, or has tracked files below."""
    wanted = list(paths)
    if not wanted:
        return set()
    out = _must(_git(root, "--literal-pathspecs", "ls-files", "-z", "--", *wanted, ask=True), "list tracked files")
    files = [_text(name) for name in out.split(b"\0") if name]
    return {path for path in wanted if any(name == path or name.startswith(f"{path}/") for name in files)}
