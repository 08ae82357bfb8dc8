"""`okstra setup` and `okstra doctor --project`: registering a folder, and checking what is wrong with it."""

from __future__ import annotations

import os
from typing import NamedTuple

from .. import git
from ..errors import OkstraError, Refused, UsageError
from ..names import check_project_id
from ..paths import ProjectFiles
from ..quoting import quote
from ..services import Services, ensure_home
from ..status import Word
from ..system import assets, files
from ..system.assets import problems_of
from ..system.locks import LockKind, locked
from . import trust
from .project import (
    LANGUAGES,
    check_known_project_id,
    hide_runs,
    id_at,
    new_local_document,
    new_project_document,
    own_id,
    owning_root,
    read_config,
)
from .project_places import MOVED_COMMAND, own_id_hint, places_of
from .trust import commands_in


class CheckStatus(Word):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class CheckRow(NamedTuple):
    check: str
    status: CheckStatus
    detail: str
    remedy: str = ""


class SetUp(NamedTuple):
    """`config` is the file that holds the id: the clone's own, where it needed one."""

    project_id: str
    root: str
    config: str
    created: bool
    warnings: tuple[str, ...] = ()


def root_for(start: str, services: Services) -> str:
    """The folder to register: the repository's top, or the folder itself without git. Inside an okstra worktree, the
    project that owns it."""
    owner = owning_root(start, services)
    if owner != start:
        return owner
    repository = git.discover(start)
    return os.path.realpath(repository.top if repository else start)


def set_up(start: str, project_id: str, services: Services, *, report_language: str = "en") -> SetUp:
    """Registers the project; doing it again changes nothing. A clone of a project that exists elsewhere, or of one
    whose settings are committed, gets an id of its own beside them.

    Raises UsageError (`bad-identity`, `usage`), Refused (`project-exists`, `folder-unfit`), Unreadable, WorkFailed.
    """
    check_project_id(project_id)
    if report_language not in LANGUAGES:
        raise UsageError(
            "usage", f"there is no report language {report_language!r}", hint="one of: " + ", ".join(LANGUAGES)
        )
    paths = ProjectFiles(root_for(start, services))
    _check_fit(paths.root, services)
    _registered_id(paths, project_id, services)
    hide_runs(paths)
    with locked(LockKind.INDEX, paths.lock):
        known = _registered_id(paths, project_id, services)
        path = paths.local_config if known else paths.config
        if not known:
            files.replace(path, files.json_bytes(new_project_document(project_id, report_language)), mode=0o644)
        elif known != project_id:
            files.replace_json(path, new_local_document(project_id))
        elif not os.path.isfile(path):
            path = paths.config
    return SetUp(project_id, paths.root, path, known != project_id, _warnings(paths.root))


def _check_fit(root: str, services: Services) -> None:
    """Raises Refused (`folder-unfit`): runs there would mix with the person's other files, or with okstra's own.

    A repository may contain okstra's home: then it was put there on purpose, by OKSTRA_HOME.
    """
    home, own = os.path.realpath(services.environment.get("HOME") or os.sep), os.path.realpath(services.home.root)
    if root == home:
        what = "this is your home folder"
    elif _is_below(home, root):
        what = f"this folder holds your home folder, {home}"
    elif root == own or _is_below(root, own):
        what = f"this folder lies in okstra's home, {services.home.root}"
    elif _is_below(own, root) and git.discover(root) is None:
        what = f"this folder holds okstra's home, {services.home.root}"
    else:
        return
    raise Refused("folder-unfit", f"{what}: it can be no project", where=root, hint="cd to the project's own folder")


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(os.path.join(folder, ""))


def _warnings(root: str) -> tuple[str, ...]:
    if git.discover(root) is not None:
        return ()
    return ("this is no git repository: runs work in the folder itself, and stages get no worktrees; `git init` first",)


def _registered_id(paths: ProjectFiles, project_id: str, services: Services) -> str:
    """The id that the project is registered under, or empty. Raises Refused (`project-exists`) when it can't be had
    under the one that is asked for."""
    document = files.read_json(paths.config)
    if document is None:
        return ""
    local = own_id(files.read_json(paths.local_config), where=paths.local_config)
    known = local or str(document.get("projectId"))
    if known == project_id:
        return known
    claimed = {claim.project_root for _, claim in services.registry.read().tasks()}
    places = places_of(known, paths.root, services)
    if places.moved:
        what = f"this project, {known!r}, was moved from {places.left[0]}"
        raise Refused("project-exists", what, where=paths.root, hint=MOVED_COMMAND)
    has_tasks = os.path.isdir(paths.tasks_dir)
    shared = not has_tasks and git.tracked(paths.root, [os.path.relpath(paths.config, paths.root)])
    if paths.root in claimed or not (places.left or places.others or shared):
        where = paths.local_config if local else paths.config
        hint = "use that id: tasks were started under it" if has_tasks else f"use that id, or edit {quote(where)}"
        raise Refused("project-exists", f"this project is registered as {known!r}", where=where, hint=hint)
    return known


def check(root: str, services: Services) -> list[CheckRow]:
    """The rows of all checks; a failed one does not stop the others."""
    paths = ProjectFiles(root)
    repository = _repository(root)
    return [
        _settings(paths, services),
        _schema(paths),
        CheckRow("runs are hidden from git", CheckStatus.OK, paths.gitignore)
        if os.path.exists(paths.gitignore)
        else CheckRow("runs are hidden from git", CheckStatus.WARN, "no .okstra/.gitignore", "the next run makes it"),
        *_git_rows(repository, root),
        home_row(services),
        registry_row(services),
        *_place_rows(paths, services),
        *_sync_rows(paths, services),
        *_trust_rows(paths, services),
    ]


def _repository(root: str) -> git.Repository | OkstraError | None:
    try:
        return git.discover(root)
    except OkstraError as error:
        return error


def _settings(paths: ProjectFiles, services: Services) -> CheckRow:
    try:
        config = read_config(paths, services)
    except OkstraError as error:
        return CheckRow("project.json", CheckStatus.FAIL, error.message, error.hint)
    try:
        check_known_project_id(paths, config.project_id)
    except UsageError as error:
        return CheckRow("project.json", CheckStatus.FAIL, error.message, f"{error.hint}, in {paths.config}")
    except OkstraError:  # the row about git reports it
        pass
    return CheckRow("project.json", CheckStatus.OK, f"project id {config.project_id}")


def _schema(paths: ProjectFiles) -> CheckRow:

    name = "project.json against its schema"
    try:
        document = files.read_json(paths.config)
    except OkstraError as error:
        return CheckRow(name, CheckStatus.FAIL, error.message, error.hint)
    schema = assets.schema("project")
    errors = problems_of(document, schema)
    if errors:
        return CheckRow(name, CheckStatus.FAIL, "; ".join(errors[:5]), f"edit {paths.config}")
    return CheckRow(name, CheckStatus.OK, "valid")


def _git_rows(repository: git.Repository | OkstraError | None, root: str) -> list[CheckRow]:
    if repository is None:
        return [CheckRow("git", CheckStatus.WARN, "not a git repository: runs get no worktree", f"git init {root}")]
    if isinstance(repository, OkstraError):
        return [CheckRow("git", CheckStatus.FAIL, repository.message, repository.hint)]
    version = git.version()
    rows = [
        CheckRow("git version", CheckStatus.OK, ".".join(map(str, version)))
        if version >= git.OLDEST
        else CheckRow("git version", CheckStatus.FAIL, ".".join(map(str, version)), "install git 2.38 or newer")
    ]
    if not repository.head:
        rows.append(CheckRow("commits", CheckStatus.FAIL, "no commit yet", "git commit --allow-empty -m Start"))
    if repository.linked and not git.main_is_bare(repository):
        rows.append(
            CheckRow(
                "worktree", CheckStatus.WARN, "this is a linked worktree: runs from here get no worktree of their own"
            )
        )
    if not git.has_identity(root):
        rows.append(
            CheckRow(
                "git identity", CheckStatus.WARN, "user.name or user.email is not set", "git config user.email YOU"
            )
        )
    return rows


def home_row(services: Services) -> CheckRow:
    try:
        ensure_home(services.home)
    except OkstraError as error:
        return CheckRow("okstra's home", CheckStatus.FAIL, f"{services.home.root}: {error.message}", error.hint)
    for folder in (services.home.root, services.home.worktrees):
        mode = os.stat(folder).st_mode & 0o777
        if mode & 0o022:
            detail = f"others can write to {folder} (mode {mode:o}): they could make okstra run their commands"
            return CheckRow("okstra's home", CheckStatus.FAIL, detail, f"chmod go-w {quote(folder)}")
    return CheckRow("okstra's home", CheckStatus.OK, services.home.root)


def registry_row(services: Services) -> CheckRow:
    try:
        doc = services.registry.read()
        count = sum(1 for _ in doc.tasks()) + sum(1 for _ in doc.stages())
    except (OkstraError, ValueError) as error:
        hint = error.hint if isinstance(error, OkstraError) else "okstra reconcile --rebuild"
        return CheckRow("registry", CheckStatus.FAIL, str(error), hint)
    return CheckRow("registry", CheckStatus.OK, f"{count} reservation(s)")


def _trust_rows(paths: ProjectFiles, services: Services) -> list[CheckRow]:
    try:
        commands = trust.commands_of(paths.root, commands_in(files.read_json(paths.config) or {}))
        trusted = trust.is_trusted(commands, services)
    except OkstraError as error:
        return [CheckRow("commands of project.json", CheckStatus.FAIL, error.message, error.hint)]
    if not commands.digest:
        return []
    if trusted:
        return [CheckRow("commands of project.json", CheckStatus.OK, "trusted")]
    detail = f"not trusted: {', '.join(commands.settings)}; no run starts"
    return [CheckRow("commands of project.json", CheckStatus.WARN, detail, "okstra trust")]


def _place_rows(paths: ProjectFiles, services: Services) -> list[CheckRow]:
    """Whether another folder has worktrees under this project's id."""
    project_id = id_at(paths.root)
    try:
        places = places_of(project_id, paths.root, services)
    except OkstraError:
        return []  # the row about the registry reports it
    if places.moved:
        what = f"its worktrees were made in {places.left[0]}, where it stands no more"
        return [CheckRow("place", CheckStatus.FAIL, what, MOVED_COMMAND)]
    beside = [*places.others, *places.left]
    if not beside:
        return []
    what = f"a project with the same id has worktrees from {beside[0]}; the two can't run the same tasks"
    return [CheckRow("place", CheckStatus.WARN, what, own_id_hint(project_id, paths.root, services))]


def _sync_rows(paths: ProjectFiles, services: Services) -> list[CheckRow]:
    try:
        config = read_config(paths, services)
    except OkstraError:
        return []
    missing = [entry.path for entry in config.sync if not os.path.lexists(os.path.join(paths.root, entry.path))]
    if not missing:
        return []
    return [CheckRow("sync list", CheckStatus.WARN, f"not there: {', '.join(missing)}", "make them, or take them out")]
