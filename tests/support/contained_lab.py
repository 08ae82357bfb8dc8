"""A person's machine in small: a project with worktrees, a home with logins, open sockets; and what changed there."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from okstra_ctl.agents.supervised_process import SupervisedResult, run_supervised
from okstra_ctl.quarantine.make import Order, make
from okstra_ctl.quarantine.record import binds as quarantined
from okstra_ctl.quarantine.take_home import take_home
from okstra_ctl.runs.containment import containment, sandbox_of
from okstra_ctl.sandbox.choice import Kind
from okstra_ctl.sandbox.probe import probe
from okstra_ctl.sandbox.profile import Bind, Role
from okstra_ctl.services import open_services

from .repos import Repo
from .sealed import sealed_environment

SECRET = "SECRET-OF-THE-PERSON"
_LOGINS = (
    *(".ssh/id_ed25519", ".netrc", ".git-credentials", ".config/gh/hosts.yml", ".aws/credentials", ".kube/config"),
    *(".docker/config.json", ".npmrc", ".pypirc", ".config/newtool/token", "dotfiles/gh/token", ".codex/auth.json"),
)


@lru_cache
def can_contain(kind: Kind) -> bool:
    return probe(str(kind), os.environ).kind is kind


class Effects(NamedTuple):
    """What something did to the machine, by the names of the places, and what it printed."""

    changed: tuple[str, ...]
    output: str
    status: int

    @property
    def leaked(self) -> bool:
        return SECRET in self.output


class Lab:
    """Everything below one temporary folder; `run` starts a shell command as a worker of the stage `one`."""

    def __init__(self, base: Path) -> None:
        base.mkdir(parents=True, exist_ok=True)
        self.base = base.resolve()
        self.home = self.base / "home"
        self.home.mkdir()
        self.environment = {
            **sealed_environment(self.home),
            "SECRET_OF_THE_SHELL": SECRET,
            "SSH_AUTH_SOCK": str(self.home / "agent.sock"),
            "OKSTRA_SANDBOX": "",
        }
        self.okstra_home = self.home / ".okstra"
        self._make_project()
        for name in _LOGINS:
            self._write(self.home / name, SECRET)
        self._write(self.home / ".gitconfig", "[user]\n\tname = Worker\n\temail = worker@example.invalid\n")
        self._write(self.okstra_home / "config.json", '{"schema": "config/1"}')
        self._write(self.base / "worker.log", "")
        self.heard: list[str] = []
        self._sockets = [self._listen(str(self.home / "agent.sock")), self._listen(f"\0okstra-{uuid.uuid4().hex}")]
        self._sockets.append(self._listen_in(self.project.path / ".git", "watch.sock"))
        self.abstract = "@" + str(self._sockets[1].getsockname()[1:].decode())
        self.web = self._listen_on_loopback()

    def _make_project(self) -> None:
        self.project = Repo.init(self.base / "project", self.environment)
        ignored = ".env\n.okstra/\n"
        self.project.commit({"src/a.py": "print(1)\n", ".gitignore": ignored, "Makefile": "all:\n"})
        self.remote = self.base / "remote.git"
        self.project.git("init", "--quiet", "--bare", str(self.remote))
        self.project.git("remote", "add", "origin", str(self.remote))
        self.project.git("push", "--quiet", "origin", "main")
        self.project.git("tag", "v1")
        self._write(self.project.path / ".env", SECRET)
        self.worktree, self.other = (self.okstra_home / "worktrees" / name for name in ("one", "two"))
        for tree in (self.worktree, self.other):
            self.project.git("worktree", "add", "--quiet", str(tree), "-b", f"stage-{tree.name}")
        self.records = self.project.path / ".okstra" / "run"
        self.drops = self.records / "drops"
        self.drop, self.others_drop = self.drops / "own", self.drops / "others"
        self.drop.mkdir(parents=True)
        self._write(self.others_drop / "result.md", SECRET)
        self._write(self.records / "manifest.json", "{}")

    def _write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def _listen(self, address: str) -> socket.socket:
        server = socket.socket(socket.AF_UNIX)
        server.bind(address)
        return self._served(server)

    def _listen_in(self, folder: Path, name: str) -> socket.socket:
        """A socket by its whole path, which may be longer than an address can be."""
        server, here = socket.socket(socket.AF_UNIX), os.open(folder, os.O_RDONLY)
        server.bind(f"/proc/self/fd/{here}/{name}")
        os.close(here)
        return self._served(server)

    def _listen_on_loopback(self) -> int:
        server = socket.socket()
        server.bind(("127.0.0.1", 0))
        self._sockets.append(self._served(server))
        port: int = server.getsockname()[1]
        return port

    def _served(self, server: socket.socket) -> socket.socket:
        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection, suppress(OSError):
                        connection.settimeout(1)
                        self.heard.append(connection.recv(100).decode())

        server.listen(8)
        threading.Thread(target=serve, daemon=True).start()
        return server

    def close(self) -> None:
        for server in self._sockets:
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            server.close()

    def run(
        self,
        role: Role,
        script: str,
        *,
        kind: Kind | None = Kind.BWRAP,
        binds: tuple[Bind, ...] = (),
    ) -> Effects:
        """`kind` None: not contained at all."""
        self.heard.clear()
        before = self.state()
        result = self.start(role, script, kind=kind, binds=binds)
        after = self.state()
        changed = tuple(name for name in after if before[name] != after[name])
        return Effects(changed, result.stdout.decode(errors="replace"), result.status)

    def start(
        self, role: Role, script: str, *, kind: Kind | None = Kind.BWRAP, binds: tuple[Bind, ...] = ()
    ) -> SupervisedResult:
        environment = {**self.environment, "OKSTRA_SANDBOX": str(kind or "")}
        services = open_services(environment)
        contained, own = None, None
        if kind is not None and role is Role.EXECUTOR:  # as `lead/executor_git.py` does
            order = Order("run", "worker", str(self.worktree), "refs/okstra/kept/lab", mounts=kind is Kind.BWRAP)
            own = make(services.home, order)
            binds = (*binds, *quarantined(own))
        if kind is not None:
            contained = containment(
                sandbox_of(str(self.project.path), services),
                role,
                str(self.worktree),
                str(self.project.path),
                hidden=(str(self.drops),),
                results=(str(self.drop),),
                binds=binds,
            )
        ended = run_supervised(
            ("bash", "-c", f"exec 2>&1\n{self.filled(script)}"),
            name="worker",
            folder=str(self.worktree),
            log=str(self.base / "worker.log"),
            token=uuid.uuid4().hex,
            limit=60,
            environment=environment,
            stop=threading.Event(),
            home=str(self.okstra_home),
            run_id="run",
            containment=contained,
        )
        if own is not None:
            take_home(own)
        return ended

    def filled(self, script: str) -> str:
        """The script with this lab's places in it."""
        places = {
            "PROJECT": self.project.path,
            "OTHER": self.other,
            "OWN": self.worktree,
            "RECORDS": self.records,
            "REMOTE": self.remote,
            "HOME": self.home,
            "BASE": self.base,
            "ABSTRACT": self.abstract.removeprefix("@"),
            "PORT": self.web,
        }
        for name, value in places.items():
            script = script.replace(f"<{name}>", str(value))
        return script

    def state(self) -> dict[str, object]:
        """Digests of what a worker must not change, looked at from outside; what its own role may change is missing."""
        return {
            "main checkout": _digest(self.project.path, skip=(".git", ".okstra")),
            "git folder": _digest(self.project.path / ".git", skip=("one",)),
            "records": _digest(self.records, skip=("own",)),
            "other worktree": _digest(self.other),
            "own worktree": _digest(self.worktree),
            "own result": _digest(self.drop),
            "remote": _digest(self.remote),
            "home": _digest(self.home, skip=(".okstra", "agent.sock")),
            "okstra home": _digest(self.okstra_home, skip=("worktrees", "sandbox", "quarantines")),
            "beside": sorted(os.listdir(self.base)),
            "machine": os.path.exists(f"/tmp/okstra-attack-{os.path.basename(self.base)}"),
            "heard": list(self.heard),
        }


def _digest(top: Path, skip: tuple[str, ...] = ()) -> list[tuple[str, int, str]]:
    rows = []
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(name for name in folders if name not in skip)
        rows.append((folder, os.lstat(folder).st_mode, ""))
        for name in sorted(names):
            path = os.path.join(folder, name)
            if name not in skip and not name.endswith(".sock") and not name.startswith("okstra."):
                rows.append((path, os.lstat(path).st_mode, _content(path)))
    return rows


def _content(path: str) -> str:
    if os.path.islink(path):
        return os.readlink(path)
    with suppress(OSError), open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()
    return "unreadable"


@contextmanager
def lab(base: Path) -> Iterator[Lab]:
    made = Lab(base)
    try:
        yield made
    finally:
        made.close()
        subprocess.run(["chmod", "-R", "u+rwX", str(base)], check=False)
        shutil.rmtree(base, ignore_errors=True)
