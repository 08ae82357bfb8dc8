"""Where a checkout's repository is, and what kind of repository it is."""

from __future__ import annotations

import os
from shlex import quote
from typing import NamedTuple

from ..errors import Refused
from ..system import processes
from .command import begin, git, must, text, users_environment
from .commits import resolve

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
        """The repository lock's file."""
        return os.path.join(self.common_dir, "okstra.lock")


class Discovery:
    """A running query of git: other things can be read meanwhile."""

    def __init__(self, path: str) -> None:
        asked = ("--show-toplevel", "--git-dir", "--git-common-dir", "HEAD^{commit}")
        self._path = path
        self._running = (
            begin(path, "rev-parse", "--path-format=absolute", *asked, read_only=True) if _has_git_above(path) else None
        )

    def finish(self) -> Repository | None:
        """As `discover`."""
        if self._running is None:
            return None
        finished = self._running.finish()
        lines = text(finished.stdout).splitlines()
        if len(lines) < 3 or (finished.ok and len(lines) != 4):
            return _discover_one_by_one(self._path)
        if not _is_at_or_below(self._path, lines[0]):
            _require_files_here(self._path)
        return Repository(lines[0], lines[1], lines[2], lines[3] if finished.ok else "")


def discover(path: str) -> Repository | None:
    """The checkout that holds `path`; None when no git repository does.

    Raises WorkFailed (`git-failed`) when there is one but git won't open it, Refused (`no-checkout`) when it is bare,
    Missing when git is not installed.
    """
    return Discovery(path).finish()


def _discover_one_by_one(path: str) -> Repository | None:
    """The slow way, for bare repositories and for folders whose names hold newlines."""

    def ask(*args: str) -> str:
        finished = git(path, "rev-parse", "--path-format=absolute", *args, read_only=True)
        if not finished.ok:
            _require_files_here(path)
        out = must(finished, f"read the repository at {path}")
        return text(out).removesuffix("\n")

    if ask("--is-inside-work-tree") != "true":
        if ask("--is-bare-repository") == "true" and ask("--is-inside-git-dir") != "true":
            raise _no_checkout(path, ask("--git-common-dir"))
        return None
    return Repository(ask("--show-toplevel"), ask("--git-dir"), ask("--git-common-dir"), resolve(path, "HEAD") or "")


def _no_checkout(path: str, common_dir: str) -> Refused:
    """For a folder whose `.git` is a bare repository: nothing is checked out there, or `core.bare` is set by
    mistake."""
    origin = text(git(path, "config", "--show-origin", "--get", "core.bare", read_only=True).stdout).partition("\t")[0]
    if _has_index(common_dir):
        file = origin.removeprefix("file:")
        # In another file (a worktree's settings, an include) it overrides what is set in the repository's own.
        there = "" if file in ("", ".git/config") else f"--file {quote(file)} "
        return Refused(
            "no-checkout",
            f"git takes the checkout {path} for a bare repository, because core.bare is true",
            where=file or common_dir,
            hint=f"git -C {quote(path)} config {there}core.bare false",
        )
    return Refused(
        "no-checkout",
        f"{path} belongs to a bare repository, and no files are checked out there",
        where=common_dir,
        hint=f"call okstra in one of its worktrees: git -C {quote(path)} worktree list",
    )


def _require_files_here(path: str) -> None:
    """Raises Refused (`no-checkout`) when `core.worktree` of the repository above points elsewhere.

    git does not open a repository whose `core.worktree` is invalid, not even to repair that setting: so the settings
    are read, and repaired, as a file from outside.
    """
    folder = os.path.abspath(path)
    while not os.path.isdir(os.path.join(folder, ".git")):
        if os.path.lexists(os.path.join(folder, ".git")) or os.path.dirname(folder) == folder:
            return
        folder = os.path.dirname(folder)
    settings = os.path.join(folder, ".git", "config")
    named = text(git(os.sep, "config", "--file", settings, "core.worktree", read_only=True).stdout).removesuffix("\n")
    if not named or _is_at_or_below(path, os.path.join(folder, ".git", named)):
        return
    raise Refused(
        "no-checkout",
        f"git looks for the files of {folder} in {named}, because core.worktree is set",
        where=settings,
        hint=f"git -C / config --file {quote(settings)} --unset-all core.worktree",
    )


def _is_at_or_below(path: str, top: str) -> bool:
    inner, outer = os.path.realpath(path), os.path.realpath(top)
    return os.path.commonpath([inner, outer]) == outer


def _has_git_above(path: str) -> bool:
    """Whether git would find a repository, or something that may be one. It looks as far up as git does."""
    folder = os.path.abspath(path)
    ceilings = os.environ.get("GIT_CEILING_DIRECTORIES", "").split(os.pathsep)
    while True:
        if os.path.lexists(os.path.join(folder, ".git")) or _is_bare_repository(folder):
            return True
        parent = os.path.dirname(folder)
        if parent == folder or parent in ceilings or not _may_cross(folder, parent):
            return False
        folder = parent


def _is_bare_repository(folder: str) -> bool:
    """By the three names that git looks for: HEAD alone proves nothing."""
    return all(os.path.lexists(os.path.join(folder, name)) for name in ("HEAD", "objects", "refs"))


def _may_cross(folder: str, parent: str) -> bool:
    """Whether git looks further up: not in another file system, unless it is configured to."""
    if os.environ.get("GIT_DISCOVERY_ACROSS_FILESYSTEM", "").lower() in ("1", "true", "yes", "on"):
        return True
    try:
        return os.stat(folder).st_dev == os.stat(parent).st_dev
    except OSError:
        return True


def version() -> tuple[int, ...]:
    """git's version as numbers, e.g. (2, 39, 5). Raises Missing (`git-missing`)."""
    words = text(git(os.sep, "version", read_only=True).stdout).split()
    return tuple(int(part) for part in (words[2] if len(words) > 2 else "0").split(".") if part.isdigit())


def has_identity(root: str) -> bool:
    """Whether the person named an author and committer, by settings or variables; a guess of git does not count."""
    given = () if os.environ.get("EMAIL") else ("-c", "user.useConfigOnly=true")
    return all(
        git(root, *given, "var", name, read_only=True).ok for name in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT")
    )


def committer(root: str) -> str:
    """Who commits there, as git would write it; empty when no identity is configured."""
    name, email = config_value(root, "user.name"), config_value(root, "user.email")
    return f"{name} <{email}>" if name and email else name or email


def main_is_bare(repository: Repository) -> bool:
    """Whether the repository has no main worktree, so that there are only linked ones."""
    answer = git(repository.common_dir, "config", "--type=bool", "core.bare", read_only=True)
    return answer.stdout.strip() == b"true" and not _has_index(repository.common_dir)


def _has_index(common_dir: str) -> bool:
    """Whether files were checked out beside it: then `core.bare = true` is a mistake."""
    return os.path.lexists(os.path.join(common_dir, "index"))


def main_worktree(repository: Repository) -> str:
    """The folder of the main worktree of a linked one; empty when there is none, or git does not record it."""
    named = text(git(repository.common_dir, "config", "core.worktree", read_only=True).stdout).removesuffix("\n")
    if named:  # a submodule's: its git folder stands inside the outer repository's
        return os.path.normpath(os.path.join(repository.common_dir, named))
    return os.path.dirname(repository.common_dir) if os.path.basename(repository.common_dir) == ".git" else ""


class RemoteUrls(NamedTuple):
    """URLs of all remotes; `push` are those that a remote has for pushing alone."""

    fetch: tuple[str, ...]
    push: tuple[str, ...]


def remote_urls(root: str) -> RemoteUrls:
    out = text(git(root, "config", "--null", "--get-regexp", r"^remote\..*\.(push)?url$", read_only=True).stdout)
    pairs = [entry.partition("\n") for entry in out.split("\0") if entry]
    fetch = tuple(dict.fromkeys(url for key, _, url in pairs if not key.lower().endswith(".pushurl")))
    return RemoteUrls(fetch, tuple(dict.fromkeys(url for key, _, url in pairs if key.lower().endswith(".pushurl"))))


def remote_names(root: str) -> list[str]:
    return text(must(git(root, "remote", read_only=True), "list remotes")).split()


def push_url(root: str, remote: str) -> str:
    """Where a push to the remote goes; empty when git does not know."""
    return text(git(root, "remote", "get-url", "--push", remote, read_only=True).stdout).removesuffix("\n")


def pushes_to_relative_path(root: str, remote: str) -> bool:
    """Whether a push goes to a path like `../shared.git`, which git resolves from the worktree that it runs in."""
    urls = text(git(root, "remote", "get-url", "--push", "--all", remote, read_only=True).stdout).splitlines()
    return any(not os.path.isabs(url) and ":" not in url.partition("/")[0] for url in urls)


def hooks_path(root: str) -> str:
    """`core.hooksPath` as the person's own git takes it, for okstra's runs without hooks; empty when it is not set."""
    asked = processes.run(["git", "-C", root, "config", "--get", "core.hooksPath"], env=users_environment())
    return text(asked.stdout).removesuffix("\n")


def config_value(root: str, name: str) -> str:
    """A setting as git would take it; empty when it is not set."""
    return text(git(root, "config", "--get", name, read_only=True).stdout).removesuffix("\n")
