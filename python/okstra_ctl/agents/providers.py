"""Providers by name: okstra's own adapters, and the commands in the settings (docs/design/leading.md).

The rehearsal needs no account and no network, and never claims to be a model. A command of the settings gets its prompt
on standard input, and leaves its result at `$OKSTRA_RESULT`.
"""

from __future__ import annotations

import os
import posixpath
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

from ..errors import UsageError, bad_config
from ..names import ACP, REHEARSAL
from ..results.voices import Speaker, family_of
from ..status import Access, Failure
from ..system import assets
from ..system.text import fill, placeholders
from .acp_agents import agent_in, agents
from .environment import client_environment
from .job import Job, Launch, Provider, StreamResult, Usage
from .streams import count_at, events, failure_in, list_at, number_at, retry_after_in, text_at

_bad = partial(bad_config, page="docs/how-to/add-a-provider.md")
BUILT_IN = ("claude", "codex", "gemini", "rehearsal")
Settings = Mapping[str, Mapping[str, Any]]
PLACEHOLDERS = ("MODEL", "PROMPT", "RESULT", "AUDIT", "WORKTREE", "ACCESS")
_PACKAGE_PARENT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from okstra_ctl.agents.rehearsal_player import main; main()"
_FAILURES = {str(failure): failure for failure in (Failure.RATE_LIMIT, Failure.OVERLOADED, Failure.LOGIN)}


def provider(name: str, settings: Settings) -> Provider:
    """The adapter of that name, imported on demand. Raises UsageError (`unknown-worker`)."""
    if name == "claude":
        from .claude import Claude

        return Claude()
    if name == "codex":
        from .codex import Codex

        return Codex()
    if name == "gemini":
        from .gemini import Gemini

        return Gemini()
    if name == "rehearsal":
        return Rehearsal()
    if name.startswith(ACP) and name in settings:
        from .acp.provider import Acp

        return Acp(agent_in(name.removeprefix(ACP), settings[name]))
    if "argv" in settings.get(name, {}):
        given = settings[name]
        return Command(name, tuple(given["argv"]), dict(given.get("env", {})))
    known = sorted({*BUILT_IN, *(other for other in settings if "argv" in settings[other])})
    raise UsageError("unknown-worker", f"there is no provider {name!r}", hint="one of: " + ", ".join(known))


def provider_settings(
    home: Mapping[str, object],
    project: Mapping[str, object],
    *,
    project_root: str,
    places: tuple[str, str] = ("config.json", "project.json"),
) -> Settings:
    """`providers` of config.json, checked; project.json's rehearsal script overrides it, as an absolute path.

    project.json comes with the repository, so it may set no program, argument or permission: cloning a repository
    must not decide what runs here. Raises UsageError (`bad-config`).
    """
    settings = {name: dict(_checked(name, given, places[0])) for name, given in _section(home, places[0]).items()}
    settings |= _acp_settings(home, places[0])
    for name, given in _section(project, places[1]).items():
        if name != "rehearsal" or set(given) - {"script"}:
            raise _bad(places[1], f"a project may set providers.rehearsal.script alone; {name} belongs in config.json")
        settings.setdefault(name, {}).update(_checked(name, given, places[1]))
    script = settings.get("rehearsal", {}).get("script")
    if script:
        settings["rehearsal"]["script"] = posixpath.normpath(posixpath.join(project_root, script))
    return settings


def own_commands(home: Mapping[str, object], where: str) -> Settings:
    """The user's own providers: the commands of config.json, by name. Raises UsageError (`bad-config`)."""
    own = {name: given for name, given in _section(home, where).items() if "argv" in given}
    return {**own, **_acp_settings(home, where)}


def _acp_settings(home: Mapping[str, object], where: str) -> dict[str, dict[str, Any]]:
    """The agents that speak the Agent Client Protocol, as providers."""
    known = agents(assets.toml("prompts", "agents.toml"), home, where)
    return {agent.provider: agent.to_settings() for agent in known.values()}


def speaker(worker: str, name: str, model: str, observed: str, settings: Settings, *, seen: str = "") -> Speaker:
    """Whose voice a worker of this provider has. `observed` is the family of the model that answered, empty where the
    client does not report one that okstra knows; a command reports none. `seen` is the model's name as it was reported.
    Each part of a rehearsal is a family."""
    given = settings.get(name, {})
    declared = str(given.get("family", ""))
    family = family_of(declared) or declared.strip().casefold()
    if name == REHEARSAL:
        return Speaker(worker)
    if "argv" not in given:
        return Speaker(observed or family, model=seen, asked="" if observed or family or seen else model)
    if name.startswith(ACP) and observed:
        return Speaker(observed, model=seen)
    line = (f"{name}={value}" for name, value in sorted(given.get("env", {}).items()))
    values = {**dict.fromkeys((*PLACEHOLDERS, "PORT"), ""), "MODEL": model}
    words = (fill(word, values) for word in given["argv"])
    named = str(given.get("model", ""))
    return Speaker(family, (*line, *words, named), seen, "" if family or seen else named)


def _section(document: Mapping[str, object], where: str) -> Mapping[str, Mapping[str, Any]]:
    found = document.get("providers", {})
    if not isinstance(found, Mapping) or not all(isinstance(given, Mapping) for given in found.values()):
        raise _bad(where, 'providers is not a map from names to settings, like {"mine": {"argv": ["my-agent"]}}')
    return found


def _checked(name: str, given: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    fault = _fault(name, given)
    if fault:
        raise _bad(where, f"providers.{name}{fault}")
    return given


def _fault(name: str, given: Mapping[str, Any]) -> str:
    if name.startswith(ACP):
        return f" is an agent of the Agent Client Protocol: its settings are agents.{name.removeprefix(ACP)}"
    if name not in BUILT_IN and (fault := _command_fault(given)):
        return fault
    if not isinstance(family := given.get("family", "-"), str) or not family.strip():
        return ".family is not the name of a family of models, like claude or gpt"
    if name in BUILT_IN and "argv" in given:
        return " is okstra's own adapter and takes no argv; give the command another name"
    if not _is_texts(given.get("arguments", [])):
        return ".arguments is not a list of strings"
    if name == "rehearsal" and not isinstance(given.get("script", ""), str):
        return ".script is not a path"
    if name == "claude":
        settings = given.get("settings", {})
        permissions = settings.get("permissions", {}) if isinstance(settings, Mapping) else None
        if not isinstance(permissions, Mapping):
            return ".settings is not an object of Claude Code settings"
        if not all(_is_texts(permissions.get(rules, [])) for rules in ("allow", "deny")):
            return ".settings.permissions has rules that are not a list of strings"
    return ""


def _command_fault(given: Mapping[str, Any]) -> str:
    argv, environment = given.get("argv"), given.get("env", {})
    if not argv or not _is_texts(argv):
        return ".argv is not a list of strings"
    if not isinstance(environment, Mapping) or not _is_texts(list(environment.values())):
        return ".env is not an object of strings"
    unknown = sorted(set().union(*(placeholders(word) for word in argv)) - set(PLACEHOLDERS))
    if unknown:
        return f".argv asks for {{{{{unknown[0]}}}}}; there are {', '.join(PLACEHOLDERS)}"
    return ""


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) and "\0" not in one for one in value)


class Command:
    """`argv` may contain `{{MODEL}}` and the other names of PLACEHOLDERS. Exit status 0 means that the turn is
    complete; the caller checks the result file. okstra gives it no sandbox: what it may do is up to the program."""

    def __init__(self, name: str, argv: tuple[str, ...], environment: Mapping[str, str]) -> None:
        self.name, self._argv, self._environment = name, argv, environment

    def delivers_by_message(self, access: Access) -> bool:
        return False

    def launch(self, job: Job, prompt: str, inherited: Mapping[str, str]) -> Launch:
        texts = (job.model, job.prompt, job.result, job.audit, job.folder, str(job.access))
        values = dict(zip(PLACEHOLDERS, texts, strict=True))
        argv = tuple(fill(word, values) for word in self._argv)
        own = {**self._environment, "OKSTRA_ACCESS": str(job.access), "OKSTRA_MODEL": job.model}
        return Launch(argv, prompt.encode("utf-8", "replace"), client_environment(job, inherited, always=own))

    def read_stream(self, stdout: bytes, stderr: bytes, exit_status: int | None) -> StreamResult:
        message = stderr.decode("utf-8", "replace").strip()[-500:]
        if exit_status == 0:
            return StreamResult(ended=True, last_message=stdout.decode("utf-8", "replace").strip()[-2000:])
        failure = Failure.INTERRUPTED if exit_status is None or exit_status < 0 else failure_in(message)
        return StreamResult(False, failure, message or f"it ended with {exit_status}", retry_after_in(message))


class Rehearsal:
    """Its client is okstra's own player; `options["script"]` is the script's absolute path, empty for the built-in."""

    name = "rehearsal"

    def delivers_by_message(self, access: Access) -> bool:
        return False

    def launch(self, job: Job, prompt: str, inherited: Mapping[str, str]) -> Launch:
        environment = {
            **inherited,
            "OKSTRA_WORKER_ID": job.worker,
            "OKSTRA_ROLE": job.role,
            "OKSTRA_RESULT": job.result,
            "OKSTRA_AUDIT": job.audit,
            **job.environment,
        }
        script = str(job.options.get("script") or "")
        argv = (sys.executable, "-I", "-X", "utf8", "-c", _START, _PACKAGE_PARENT, script)
        return Launch(argv, prompt.encode("utf-8", "replace"), environment)

    def read_stream(self, stdout: bytes, stderr: bytes, exit_status: int | None) -> StreamResult:
        results = [event for event in events(stdout) if event.get("type") == "result"]
        if not results:
            complaint = stderr.decode("utf-8", "replace").strip()[-500:]
            return StreamResult(ended=False, failure=Failure.INTERRUPTED, message=complaint)
        result = results[-1]
        failure = Failure.NONE
        if text_at(result, "status") != "completed" or exit_status not in (0, None):
            failure = _FAILURES.get(text_at(result, "failure"), Failure.CLIENT)
        return StreamResult(
            ended=True,
            failure=failure,
            message=text_at(result, "message"),
            retry_after=number_at(result, "retry_after"),
            model="rehearsal",
            usage=Usage(count_at(result, "usage", "input"), 0, 0, count_at(result, "usage", "output"), _cost(stdout)),
            denials=tuple(str(denial) for denial in list_at(result, "denials")),
        )


def _cost(stdout: bytes) -> float:
    """The cost that the script reports: 0, unless it plays a client that costs something."""
    return sum(number_at(event, "usd") or 0.0 for event in events(stdout) if event.get("type") == "cost")
