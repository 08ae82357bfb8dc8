"""The guard of a led run: git hooks and rules for its agents, without changing the repository's own settings.

It exists only in the run's folder and in the agents' environment (docs/design/threats.md). The hooks prevent; the
receipt (`guard/receipt.py`) reports what got past them.
"""

from __future__ import annotations

import os
import shlex

from .. import git
from ..errors import OkstraError
from ..names import IMPLEMENTATION
from ..runs.find import KnownRun
from ..sandbox.profile import Bind, is_within
from ..services import Services
from ..system import assets, files, foreign_files
from .calls import SCHEMA

LEAD = "lead"
GUARDED = "OKSTRA_GUARD_REPO"
_REFUSED = "okstra-refuses-to-push://"
_SCRIPT = "git-guard.sh"
_OURS = ("pre-push", "reference-transaction", "pre-commit")


def set_up(run: KnownRun, services: Services) -> None:
    """Writes the rules and the hooks' folder. Safe to repeat. Raises WorkFailed (`write-failed`)."""
    files.replace_json(run.files.guard_rules, _rules(run, services))
    repository = git.discover(run.project.root)
    if repository is None:
        return
    script = os.path.join(assets.root(), "lib", "okstra", _SCRIPT)
    folder = run.files.guard_hooks
    files.make_folder(folder)
    for name in sorted({*_OURS, *_own_hooks(hooks_folder(repository))}):
        files.link_anew(script, os.path.join(folder, name))


def foreign_hooks(run: KnownRun) -> list[str]:
    """Hooks of the run that somebody replaced."""
    script = os.path.join(assets.root(), "lib", "okstra", _SCRIPT)
    folder = run.files.guard_hooks
    names = {*_OURS, *files.names_in(folder)} if os.path.isdir(folder) else set()
    return [path for path in (os.path.join(folder, name) for name in sorted(names)) if not _leads_to(path, script)]


def _leads_to(link: str, target: str) -> bool:
    return os.path.islink(link) and os.readlink(link) == target


def environment(run: KnownRun, role: str) -> dict[str, str]:
    """The guard's variables for an agent of that role; empty without git."""
    repository = git.discover(run.project.root)
    if repository is None:
        return {}
    branch = run.branch
    edits = role == "executor" and run.id.task_type == IMPLEMENTATION
    settings = [("core.hooksPath", run.files.guard_hooks), *_push_refusals(run.project.root)]
    return {
        GUARDED: os.path.realpath(repository.common_dir),
        "OKSTRA_GUARD_REF": f"refs/heads/{branch}" if edits and branch else "",
        "OKSTRA_GUARD_HOOKS": hooks_folder(repository),
        "OKSTRA_GUARD_RULES": run.files.guard_rules,
        **git.settings_variables(git.users_environment(), settings),
    }


def shown(run: KnownRun) -> list[Bind]:
    """The folder of the repository's own hooks, for a sandbox that shows nothing else of the main checkout."""
    repository = git.discover(run.project.root)
    folder = os.path.realpath(hooks_folder(repository)) if repository else ""
    return [Bind(folder, folder)] if folder and os.path.isdir(folder) and not _in_git(folder, repository) else []


def _in_git(folder: str, repository: git.Repository | None) -> bool:
    return repository is not None and is_within(folder, [os.path.realpath(repository.common_dir)])


def client_settings(run: KnownRun) -> dict[str, object]:
    """For Claude Code's `--settings`: a hook asks the guard before every tool that changes something."""
    command = f"okstra guard tool --rules {shlex.quote(run.files.guard_rules)}"
    hook = {"matcher": "Write|Edit|MultiEdit|NotebookEdit|Bash", "hooks": [{"type": "command", "command": command}]}
    return {"hooks": {"PreToolUse": [hook]}}


def writable(run: KnownRun) -> list[str]:
    """Folders outside the worktree that every agent of the run may write. Only the worker itself knows where its result
    belongs."""
    return [os.path.join(run.project.task(run.id.task).root, "scratch")]


def writable_by_lead(run: KnownRun) -> list[str]:
    """What a leading session may write, too: agents inside it write their results directly among the run's results."""
    return [run.files.folder("worker-results"), run.files.report_data]


def _rules(run: KnownRun, services: Services) -> dict[str, object]:
    stage = run.stage(services) if run.id.stage is not None else None
    planned = list(stage.files) if stage else []
    executor = {"edits": run.id.task_type == IMPLEMENTATION, "planned": planned, "push": False}
    lead = {"edits": False, "planned": [], "push": False, "writable": writable_by_lead(run)}
    return {
        "schema": SCHEMA,
        "run_id": str(run.id),
        "worktree": run.folder,
        "writable": writable(run),
        "roles": {"executor": executor, LEAD: lead},
    }


def hooks_folder(repository: git.Repository) -> str:
    """The folder of the repository's own hooks, by default or by setting.

    In a session that okstra guards, git's setting names the guard's folder, and a variable the folder behind it: a
    guard that was mistaken for the repository's own hooks would call itself without end.
    """
    plain = os.path.join(repository.common_dir, "hooks")
    found = git.hooks_path(repository.top)
    if not found:
        return plain
    if os.path.basename(foreign_files.link_target(os.path.join(found, _OURS[0]))) == _SCRIPT:
        return os.environ.get("OKSTRA_GUARD_HOOKS") or plain
    return os.path.join(repository.top, os.path.expanduser(found))


def _own_hooks(folder: str) -> list[str]:
    names = files.names_in(folder)
    return [name for name in names if "." not in name and os.access(os.path.join(folder, name), os.X_OK)]


def _push_refusals(root: str) -> list[tuple[str, str]]:
    """Settings that make a push to the known remotes fail, even one that bypasses the hooks."""
    try:
        urls = git.remote_urls(root)
    except OkstraError:
        return []
    plain = [(f"url.{_REFUSED}.pushInsteadOf", url) for url in urls.fetch]
    return plain + [(f"url.{_REFUSED}.insteadOf", url) for url in urls.push]
