"""`okstra setup` and `check-project`: registering a folder, and telling what is wrong with it."""

from __future__ import annotations

import os

from ..core.identity import check_project_id
from ..core.json_text import loads
from ..core.paths import ProjectFiles
from ..core.project_config import LANGUAGES, new_project_document, project_config
from ..core.schema_check import problems_of
from ..core.shell_words import quote
from ..core.trust import commands_in
from ..edges import assets, fsio, git
from ..edges import home as home_edge
from ..edges.locks import LockKind, hold
from ..words.errors import OkstraError, Refused, UsageError
from ..words.records import Record
from ..words.word import Word
from . import trust
from .doors import Doors
from .project import owning_root
from .task_records import hide_runs


class CheckStatus(Word):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class CheckRow(Record):
    check: str
    status: CheckStatus
    detail: str
    remedy: str = ""


class SetUp(Record):
    project_id: str
    root: str
    config: str
    created: bool


def root_for(start: str, doors: Doors) -> str:
    """The folder to register: the repository's top, or the folder itself where there is no git. In a worktree of
    okstra's, the project that owns it."""
    owner = owning_root(start, doors)
    if owner != start:
        return owner
    repository = git.discover(start)
    return os.path.realpath(repository.top if repository else start)


def set_up(start: str, project_id: str, doors: Doors, *, report_language: str = "en") -> SetUp:
    """Registers the project; doing it again changes nothing.

    Raises UsageError (`bad-identity`, `usage`), Refused (`project-exists`), Unreadable, WorkFailed.
    """
    check_project_id(project_id)
    if report_language not in LANGUAGES:
        raise UsageError(
            "usage", f"there is no report language {report_language!r}", hint="one of: " + ", ".join(LANGUAGES)
        )
    files = ProjectFiles(root_for(start, doors))
    _check_not_registered_otherwise(files, project_id)
    hide_runs(files)
    with hold(LockKind.INDEX, files.lock):
        known = _check_not_registered_otherwise(files, project_id)
        if not known:
            fsio.replace(files.config, fsio.json_bytes(new_project_document(project_id, report_language)), mode=0o644)
    return SetUp(project_id, files.root, files.config, not known)


def _check_not_registered_otherwise(files: ProjectFiles, project_id: str) -> bool:
    """Whether the project is registered under that id. Raises Refused (`project-exists`) when under another."""
    known = fsio.read_json(files.config)
    if known is not None and known.get("projectId") != project_id:
        raise Refused(
            "project-exists",
            f"this project is registered as {known.get('projectId')!r}",
            where=files.config,
            hint="use that id, or edit the file when no task was started yet",
        )
    return known is not None


def check(root: str, doors: Doors) -> list[CheckRow]:
    """Every check, whatever the others say."""
    files = ProjectFiles(root)
    repository = _repository(root)
    return [
        _settings(files, doors),
        _schema(files),
        CheckRow("runs are hidden from git", CheckStatus.OK, files.gitignore)
        if os.path.exists(files.gitignore)
        else CheckRow("runs are hidden from git", CheckStatus.WARN, "no .okstra/.gitignore", "the next run makes it"),
        *_git_rows(repository, root),
        home_row(doors),
        registry_row(doors),
        *_sync_rows(files, doors),
        *_trust_rows(files, doors),
    ]


def _repository(root: str) -> git.Repository | OkstraError | None:
    try:
        return git.discover(root)
    except OkstraError as error:
        return error


def _settings(files: ProjectFiles, doors: Doors) -> CheckRow:
    try:
        config = project_config(fsio.read_json(files.config), where=files.config, environment=doors.environment)
    except OkstraError as error:
        return CheckRow("project.json", CheckStatus.FAIL, error.message, error.hint)
    if not os.path.isdir(files.tasks_dir):
        try:
            check_project_id(config.project_id)
        except UsageError as error:
            return CheckRow("project.json", CheckStatus.FAIL, error.message, f"{error.hint}, in {files.config}")
    return CheckRow("project.json", CheckStatus.OK, f"project id {config.project_id}")


def _schema(files: ProjectFiles) -> CheckRow:

    name = "project.json against its schema"
    try:
        document = fsio.read_json(files.config)
    except OkstraError as error:
        return CheckRow(name, CheckStatus.FAIL, error.message, error.hint)
    schema = loads(assets.text("schemas", "project-v1.schema.json"))
    errors = problems_of(document, schema)
    if errors:
        return CheckRow(name, CheckStatus.FAIL, "; ".join(errors[:5]), f"edit {files.config}")
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


def home_row(doors: Doors) -> CheckRow:
    try:
        home_edge.ensure(doors.home)
    except OkstraError as error:
        return CheckRow("okstra's home", CheckStatus.FAIL, f"{doors.home.root}: {error.message}", error.hint)
    for folder in (doors.home.root, doors.home.worktrees):
        mode = os.stat(folder).st_mode & 0o777
        if mode & 0o022:
            told = f"others may write into {folder} (mode {mode:o}): they could have okstra run commands of theirs"
            return CheckRow("okstra's home", CheckStatus.FAIL, told, f"chmod go-w {quote(folder)}")
    return CheckRow("okstra's home", CheckStatus.OK, doors.home.root)


def registry_row(doors: Doors) -> CheckRow:
    try:
        doc = doors.registry.read()
        count = sum(1 for _ in doc.tasks()) + sum(1 for _ in doc.stages())
    except (OkstraError, ValueError) as error:
        hint = error.hint if isinstance(error, OkstraError) else "okstra reconcile --rebuild"
        return CheckRow("registry", CheckStatus.FAIL, str(error), hint)
    return CheckRow("registry", CheckStatus.OK, f"{count} reservation(s)")


def _trust_rows(files: ProjectFiles, doors: Doors) -> list[CheckRow]:
    try:
        commands = trust.commands_of(files.root, commands_in(fsio.read_json(files.config) or {}))
        trusted = trust.is_trusted(commands, doors)
    except OkstraError as error:
        return [CheckRow("commands of project.json", CheckStatus.FAIL, error.message, error.hint)]
    if not commands.digest:
        return []
    if trusted:
        return [CheckRow("commands of project.json", CheckStatus.OK, "trusted")]
    detail = f"not trusted: {', '.join(commands.settings)}; no run starts"
    return [CheckRow("commands of project.json", CheckStatus.WARN, detail, "okstra trust")]


def _sync_rows(files: ProjectFiles, doors: Doors) -> list[CheckRow]:
    try:
        config = project_config(fsio.read_json(files.config), where=files.config, environment=doors.environment)
    except OkstraError:
        return []
    missing = [entry.path for entry in config.sync if not os.path.lexists(os.path.join(files.root, entry.path))]
    if not missing:
        return []
    return [CheckRow("sync list", CheckStatus.WARN, f"not there: {', '.join(missing)}", "make them, or take them out")]
