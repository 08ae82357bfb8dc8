"""Whether the providers' clients can work on this machine; uses no model and no network."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from .. import git
from ..agents.providers import BUILT_IN, provider_settings, speaker
from ..errors import OkstraError
from ..names import ACP
from ..services import Services
from ..settings.setup import CheckRow, CheckStatus
from ..system import files, processes

_SECONDS = 30.0
AGENTS = "providers"
"""The check whether there is an agent at all."""
_IDENTITY = ("-c", "user.name=okstra", "-c", "user.email=okstra@localhost")


class ClientFacts(NamedTuple):
    """What okstra needs to know about a client. The output of `help` must list `flags`. `status` is the client's own
    command to check its login (exit status 0: logged in); a client without one is checked by `login_variables` and
    `login_files` (below the home)."""

    program: str
    package: str
    help: tuple[str, ...]
    flags: tuple[str, ...]
    status: tuple[str, ...] = ()
    login_variables: tuple[str, ...] = ()
    login_files: tuple[str, ...] = ()
    login: str = ""


CLIENTS = (
    ClientFacts(
        "claude",
        "@anthropic-ai/claude-code",
        ("--help",),
        ("--print", "--output-format", "--model", "--permission-mode", "--settings", "--add-dir"),
        status=("auth", "status"),
        login_variables=(
            "ANTHROPIC_API_KEY",
            "ANTHROPIC_AUTH_TOKEN",
            "CLAUDE_CODE_OAUTH_TOKEN",
            "CLAUDE_CODE_USE_BEDROCK",
            "CLAUDE_CODE_USE_VERTEX",
        ),
        login="run `claude` once and log in, or set ANTHROPIC_API_KEY",
    ),
    ClientFacts(
        "codex",
        "@openai/codex",
        ("exec", "--help"),
        ("--json", "--sandbox", "--cd", "--model", "--add-dir", "--skip-git-repo-check"),
        status=("login", "status"),
        login_variables=("CODEX_API_KEY",),
        login="codex login",
    ),
    ClientFacts(
        "gemini",
        "@google/gemini-cli",
        ("--help",),
        ("--output-format", "--model", "--skip-trust", "--approval-mode", "--admin-policy", "--include-directories"),
        login_variables=("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI"),
        login_files=(".gemini/oauth_creds.json",),
        login="run `gemini` once and log in, or set GEMINI_API_KEY",
    ),
)


def provider_rows(services: Services) -> list[CheckRow]:
    """For each client: whether it is installed, its version, its flags, its login, and whether it can commit."""
    rows: list[CheckRow] = []
    for client in CLIENTS:
        rows += _client_rows(client, services.environment)
    return [*rows, *_command_rows(services), CheckRow("rehearsal", CheckStatus.OK, "needs no client")]


def presence_rows(services: Services, others: Callable[[], Sequence[str]] = tuple) -> list[CheckRow]:
    """The short form: which clients can be used. Without one, and without a command of the person's own, only the
    rehearsal works: that is a failure (`AGENTS`). `others` finds other agents that are ready; it is asked last."""
    found = [client for client in CLIENTS if _on_path(client.program, services.environment)]
    own = [row for row in _command_rows(services) if row.check != "config.json"]
    with ThreadPoolExecutor(max_workers=max(1, len(found))) as pool:
        faults = list(pool.map(lambda client: _fault_of(client, services), found))
    usable = [client.program for client, fault in zip(found, faults, strict=True) if fault is None]
    usable += [row.check for row in own if row.status is CheckStatus.OK]
    usable = usable or list(others())
    rows = [fault._replace(status=CheckStatus.WARN) for fault in faults if fault is not None]
    if usable:
        return [*rows, CheckRow(AGENTS, CheckStatus.OK, f"{', '.join(usable)} (okstra doctor --providers says more)")]
    remedy = "npm install -g " + " ".join(client.package for client in CLIENTS[:2])
    remedy = "; ".join(row.remedy for row in rows) or remedy
    return [*rows, CheckRow(AGENTS, CheckStatus.FAIL, "no agent can be used: only the rehearsal works", remedy)]


def _fault_of(client: ClientFacts, services: Services) -> CheckRow | None:
    try:
        return client_fault(client, {}, services.environment)
    except OkstraError as error:
        return CheckRow(client.program, CheckStatus.FAIL, error.message, error.hint)


def client_fault(client: ClientFacts, settings: Mapping[str, Any], environment: Mapping[str, str]) -> CheckRow | None:
    """Why a client that is on the PATH can't be used; None when nothing is wrong. Its commands run side by side: each
    start of a client takes long."""
    questions = (("--version",), client.help, client.status)
    with ThreadPoolExecutor(max_workers=len(questions)) as pool:
        version, usage, login = pool.map(lambda words: _run(client, words, environment) if words else None, questions)
    rows = _version_rows(client, version, usage) if version and usage else []
    failed = next((row for row in rows if row.status is CheckStatus.FAIL), None)
    if failed is not None or login is None or login.ok:
        return failed
    if any(environment.get(name) for name in client.login_variables) or _has_own_models(client, settings, environment):
        return None
    return CheckRow(f"{client.program} login", CheckStatus.FAIL, "it is not logged in", client.login)


def _has_own_models(client: ClientFacts, settings: Mapping[str, Any], environment: Mapping[str, str]) -> bool:
    """Whether the client is configured to use models of the person's own, whose login it does not know."""
    if client.program != "codex":
        return False
    if any("model_provider" in str(word) for word in settings.get("arguments", [])):
        return True
    folder = environment.get("CODEX_HOME") or os.path.join(environment.get("HOME", ""), ".codex")
    try:
        return b"model_provider" in (files.read_bytes(os.path.join(folder, "config.toml")) or b"")
    except OkstraError:
        return False


def version_of(client: ClientFacts, environment: Mapping[str, str]) -> str:
    """The last line of what it prints; empty when it does not run."""
    shown = _run(client, ("--version",), environment)
    return (shown.stdout.decode("utf-8", "replace").strip().splitlines() or [""])[-1] if shown.ok else ""


def first_fault(client: ClientFacts, settings: Mapping[str, Any], environment: Mapping[str, str]) -> CheckRow | None:
    """As `client_fault`, and for a client that can't be asked whether it is logged in, whether a login is known."""
    fault = client_fault(client, settings, environment)
    if fault is not None or client.status:
        return fault
    login = _login_row(client, environment)
    return None if login.status is CheckStatus.OK else login


def _client_rows(client: ClientFacts, environment: Mapping[str, str]) -> list[CheckRow]:
    name = client.program
    if not _on_path(name, environment):
        return [CheckRow(name, CheckStatus.WARN, "not on the PATH", f"npm install -g {client.package}")]
    version = _run(client, ("--version",), environment)
    rows = _version_rows(client, version, _run(client, client.help, environment) if version.ok else version)
    return [*rows, _login_row(client, environment), _commit_row(client, environment)] if version.ok else rows


def _version_rows(client: ClientFacts, version: processes.Finished, usage: processes.Finished) -> list[CheckRow]:
    """`usage` is the client's own help, which must list the flags that okstra uses."""
    name, update = client.program, f"npm install -g {client.package}@latest"
    if not version.ok:
        return [CheckRow(name, CheckStatus.FAIL, f"it does not run: {version.complaint}", update)]
    shown = version.stdout.decode("utf-8", "replace").strip().splitlines()
    rows = [CheckRow(name, CheckStatus.OK, shown[-1] if shown else "no version")]
    text = usage.stdout.decode("utf-8", "replace")
    missing = [flag for flag in client.flags if not re.search(rf"(?<![\w-]){re.escape(flag)}(?![\w-])", text)]
    if missing:
        return [*rows, CheckRow(f"{name} flags", CheckStatus.FAIL, f"it does not know {', '.join(missing)}", update)]
    return [*rows, CheckRow(f"{name} flags", CheckStatus.OK, "all that okstra uses")]


def _login_row(client: ClientFacts, environment: Mapping[str, str]) -> CheckRow:
    check = f"{client.program} login"
    variables = [name for name in client.login_variables if environment.get(name)]
    if variables:
        return CheckRow(check, CheckStatus.OK, f"{variables[0]} is set")
    if client.status and _run(client, client.status, environment).ok:
        return CheckRow(check, CheckStatus.OK, f"{client.program} {' '.join(client.status)}: logged in")
    home = environment.get("HOME", "")
    if any(os.path.isfile(os.path.join(home, name)) for name in client.login_files):
        return CheckRow(check, CheckStatus.OK, f"~/{client.login_files[0]} is there")
    return CheckRow(check, CheckStatus.WARN, "no login is known", client.login)


def _commit_row(client: ClientFacts, environment: Mapping[str, str]) -> CheckRow:
    """Whether the client can commit in a linked worktree: its git folder lies outside, and a sandbox may not allow
    writing there."""
    check = f"{client.program} commits"
    if not sandboxed_commit(client.program, ()):
        detail = "its commands run without a sandbox of its own, unless your settings of it say otherwise"
        return CheckRow(check, CheckStatus.OK, detail)
    folder = os.path.realpath(tempfile.mkdtemp(prefix="okstra-doctor-"))
    try:
        fault = _sandboxed_commit_fault(client, folder, environment)
    except OkstraError as error:
        fault = error.message
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if fault:
        remedy = f"{client.program} sandbox --help; in a container the sandbox may need user namespaces"
        return CheckRow(check, CheckStatus.FAIL, f"not in a linked worktree: {fault}", remedy)
    return CheckRow(check, CheckStatus.OK, "in a linked worktree, inside its sandbox (tried)")


def sandboxed_commit(program: str, folders: tuple[str, ...]) -> tuple[str, ...]:
    """The command that commits inside the client's own sandbox, with these folders writable, and asks no model.

    Empty for a client that runs its commands without a sandbox. The folders lie in the system's folder of
    temporary files, which must not count as writable by itself.
    """
    if program != "codex":
        return ()
    roots = ", ".join(f'"{folder}"' for folder in folders)
    settings = (
        'sandbox_mode="workspace-write"',
        "sandbox_workspace_write.exclude_slash_tmp=true",
        "sandbox_workspace_write.exclude_tmpdir_env_var=true",
        f"sandbox_workspace_write.writable_roots=[{roots}]",
    )
    words = tuple(word for setting in settings for word in ("-c", setting))
    return ("codex", "sandbox", *words, "--", "git", "commit", "--quiet", "--allow-empty", "-m", "okstra doctor")


def _sandboxed_commit_fault(client: ClientFacts, folder: str, environment: Mapping[str, str]) -> str:
    """Commits in a linked worktree of a new repository inside the client's sandbox. Empty when that works."""
    main, linked = os.path.join(folder, "main"), os.path.join(folder, "linked")
    files.make_folder(main)
    for words in (
        ("init", "--quiet"),
        (*_IDENTITY, "commit", "--quiet", "--allow-empty", "-m", "Start"),
        ("config", "user.name", "okstra"),
        ("config", "user.email", "okstra@localhost"),
        ("config", "commit.gpgsign", "false"),
        ("worktree", "add", "--quiet", "-b", "linked", linked),
    ):
        made = processes.run(["git", "-C", main, *words], env=git.users_environment(environment))
        if not made.ok:
            return made.complaint
    before = git.resolve(linked, "HEAD")
    repository = git.discover(linked)
    if repository is None:
        return "git does not know the worktree that it made"
    argv = sandboxed_commit(client.program, (repository.common_dir, repository.git_dir))
    ended = processes.run(argv, cwd=linked, env=git.users_environment(environment), timeout=_SECONDS)
    return "" if ended.ok and git.resolve(linked, "HEAD") != before else ended.complaint or "no commit was made"


def _command_rows(services: Services) -> list[CheckRow]:
    """The user's own commands in config.json."""
    try:
        config = files.read_json(services.home.config) or {}
        settings = provider_settings(config, {}, project_root=os.sep, places=(services.home.config, ""))
    except OkstraError as error:
        return [CheckRow("config.json", CheckStatus.FAIL, error.message, error.hint)]
    own = {name: given for name, given in settings.items() if name not in BUILT_IN and not name.startswith(ACP)}
    return [_command_row(name, given, services.environment) for name, given in own.items()]


def _command_row(name: str, given: Mapping[str, Any], environment: Mapping[str, str]) -> CheckRow:
    program = given["argv"][0]
    if _on_path(program, environment):
        own = speaker(name, name, "", "", {name: given}).family
        family = f"its models are of the family {own}" if own else f"set providers.{name}.family to make it a voice"
        detail = f"{program} is there; {family}; unchecked: whether it can commit in a worktree"
        return CheckRow(name, CheckStatus.OK, detail)
    return CheckRow(name, CheckStatus.FAIL, f"{program} is not on the PATH", "mend providers in config.json")


def _on_path(program: str, environment: Mapping[str, str]) -> bool:
    return shutil.which(program, path=environment.get("PATH")) is not None


def _run(client: ClientFacts, words: tuple[str, ...], environment: Mapping[str, str]) -> processes.Finished:
    return processes.run([client.program, *words], env=git.users_environment(environment), timeout=_SECONDS)
