"""A real client in a home of its own, whose model is the test's server."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from okstra_ctl.agents.acp_agents import variables_for
from okstra_ctl.agents.job import Job, Report
from okstra_ctl.agents.providers import own_commands, provider
from okstra_ctl.agents.runner import Patience, run_job
from okstra_ctl.names import AGENTS_MODEL
from okstra_ctl.quarantine.make import Order, make
from okstra_ctl.quarantine.record import binds as quarantined
from okstra_ctl.quarantine.take_home import take_home
from okstra_ctl.runs.containment import containment, sandbox_of
from okstra_ctl.sandbox.choice import Kind
from okstra_ctl.sandbox.profile import Bind, role_of
from okstra_ctl.services import open_services
from okstra_ctl.status import Access
from support.contained_lab import can_contain
from support.fake_clients import job
from support.repos import Repo
from support.sealed import sealed_environment

from .install import BIN
from .model_server import ModelServer

PATIENCE = Patience(first=0.2, longest=1.0, linger=20.0)
MODELS = {"claude": "sonnet", "codex": "gpt-5.5", "gemini": "gemini-2.5-pro", "acp:opencode": AGENTS_MODEL}
MODELS |= {"acp:gemini": MODELS["gemini"], "acp:claude": AGENTS_MODEL, "acp:codex": MODELS["codex"]}
SPOKEN = "scripted/qwen-scripted"
"""The model that opencode answers with here."""


class Lab:
    """A repository with a linked worktree, in which a client works."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        self.scratch = scratch_in(folder)
        self.repo = Repo.init(folder / "project", sealed_environment(self.home))
        self.repo.commit({"code.txt": "one\n"})
        self.tree = folder / "tree"
        self.repo.git("worktree", "add", "--quiet", "-b", "work", str(self.tree))
        self.results = folder / "run" / "drops-001" / ("0" * 32)
        self.contained = can_contain(Kind.BWRAP)

    def job(self, access: Access, *, soft: float = 60.0, hard: float = 70.0, **options: Any) -> Job:
        common = self.repo.path / ".git"
        git_folders = (str(common), str(common / "worktrees" / "tree")) if access is Access.EDIT else ()
        return job(self.folder / "run", access=access, soft=soft, hard=hard)._replace(
            folder=str(self.tree),
            provider=self.name,
            model=MODELS[self.name],
            result=str(self.results / "r.md"),
            audit=str(self.results / "a.md"),
            writable=(str(self.results), *git_folders),
            readable=(str(self.folder / "run"),),
            options={**own_commands({}, "").get(self.name, {}), **options},
        )

    def run(self, work: Job, server: ModelServer, *, stop: threading.Event | None = None) -> Report:
        inherited = self.environment(server)
        options = {"arguments": codex_arguments(server), **work.options} if self.name == "codex" else work.options
        with self._inside(work._replace(options=options), inherited) as ordered:
            return run_job(
                ordered,
                provider(self.name, own_commands({}, "")),
                stop=stop or threading.Event(),
                inherited=inherited,
                patience=PATIENCE,
            )

    @contextmanager
    def _inside(self, work: Job, inherited: Mapping[str, str]) -> Iterator[Job]:
        """The job contained as okstra contains it, with a git folder of its own where it commits."""
        if not self.contained:
            yield work
            return
        services = open_services({**sealed_environment(self.home), "OKSTRA_SANDBOX": str(Kind.BWRAP)})
        root, tree, own = str(self.repo.path), str(self.tree), None
        self.results.mkdir(parents=True, exist_ok=True)
        binds: tuple[Bind, ...] = (Bind(str(self.folder / "run"), str(self.folder / "run")),)
        if work.access is Access.EDIT:
            own = make(services.home, Order("run", "worker", tree, "refs/okstra/kept/lab/", mounts=True))
            binds += quarantined(own)
        role, results = role_of(work.access), (str(self.results),)
        agent = own_commands({}, "").get(work.provider, {})
        named = (*agent.get("env", ()), *variables_for(agent.get("variables", ()), inherited))
        sandbox = sandbox_of(root, services)
        inside = containment(sandbox, role, tree, root, results=results, binds=binds, variables=named)
        try:
            yield work._replace(containment=inside)
        finally:
            if own is not None:
                take_home(own)

    def environment(self, server: ModelServer) -> dict[str, str]:
        """Nothing of the person's."""
        common = {"HOME": str(self.home), "TMPDIR": str(self.scratch), "PATH": client_path(), "LANG": "C.UTF-8"}
        return {**common, **client_variables(self.name, self.home, server)}

    def log(self) -> str:
        return (self.folder / "run" / "logs" / "worker.log").read_text(errors="replace")


def scratch_in(folder: Path) -> Path:
    """A folder of temporary files beside the home: codex makes no helpers in a home that looks temporary itself, and
    with bubblewrap on the PATH it starts no command without them."""
    scratch = folder / "t"
    scratch.mkdir(exist_ok=True)
    return scratch


def client_path() -> str:
    node = shutil.which("node")
    return os.pathsep.join([str(BIN), *([os.path.dirname(node)] if node else []), "/usr/bin", "/bin"])


def client_variables(name: str, home: Path, server: ModelServer) -> dict[str, str]:
    """Leads a client to the server and to no other address, with a login that the server takes."""
    if name in ("claude", "acp:claude"):
        return {
            "CLAUDE_CONFIG_DIR": str(home / ".claude"),
            "ANTHROPIC_BASE_URL": server.url,
            "ANTHROPIC_API_KEY": "sk-ant-scripted-00000000000000000000",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "CLAUDE_CODE_MAX_RETRIES": "1",
        }
    if name == "codex":
        (home / ".codex").mkdir(exist_ok=True)
        return {"CODEX_HOME": str(home / ".codex"), "SCRIPTED_KEY": "sk-scripted"}
    if name == "acp:codex":
        (home / ".codex").mkdir(exist_ok=True)
        lines = "\n".join(codex_arguments(server, key="CODEX_SCRIPTED_KEY")[1::2])
        (home / ".codex" / "config.toml").write_text(f"{lines}\n")
        return {"CODEX_HOME": str(home / ".codex"), "CODEX_SCRIPTED_KEY": "sk-scripted"}
    if name == "acp:opencode":
        write_opencode_settings(home, server)
        return {"OPENCODE_DISABLE_MODELS_FETCH": "1", "XDG_CONFIG_HOME": str(home / ".config")}
    settings = home / ".gemini" / "settings.json"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text(json.dumps(_GEMINI_SETTINGS))
    return {"GOOGLE_GEMINI_BASE_URL": server.url, "GEMINI_API_KEY": "AIzaScripted"}


def codex_arguments(server: ModelServer, *, key: str = "SCRIPTED_KEY") -> list[str]:
    provider = (
        f'{{name="scripted",base_url="{server.url}/v1",env_key="{key}",wire_api="responses",'
        "request_max_retries=1,stream_max_retries=1}"
    )
    settings = {
        "model_provider": '"scripted"',
        "model_providers.scripted": provider,
        "analytics.enabled": "false",
        "features.plugins": "false",
        "features.apps": "false",
        # The lab lies in the system's folder of temporary files, which the sandbox leaves open by default.
        "sandbox_workspace_write.exclude_slash_tmp": "true",
        "sandbox_workspace_write.exclude_tmpdir_env_var": "true",
    }
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def write_opencode_settings(home: Path, server: ModelServer) -> None:
    own, _, model = SPOKEN.partition("/")
    options = {"baseURL": f"{server.url}/v1", "apiKey": "sk-scripted"}
    limit = {"context": 200000, "output": 8000}
    models = {model: {"name": model, "limit": limit, "cost": {"input": 3, "output": 15}}}
    scripted = {"npm": "@ai-sdk/openai-compatible", "name": own, "options": options, "models": models}
    settings = {"provider": {own: scripted}, "model": SPOKEN, "small_model": SPOKEN, "autoupdate": False}
    path = home / ".config" / "opencode" / "opencode.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**settings, "share": "disabled"}))


_GEMINI_SETTINGS = {
    "security": {"auth": {"selectedType": "gemini-api-key"}},
    "privacy": {"usageStatisticsEnabled": False},
    "general": {"maxAttempts": 1},
}
