"""The scene of each peer: the same repository as okstra's, the same forty units, none taken."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator

from peer_install import Peer
from scenes import Scene

UNITS = 40
BRANCH = "work/load"
# The documented ways out of telemetry, update checks and questions.
QUIET = {
    "DO_NOT_TRACK": "1",
    "NO_COLOR": "1",
    "BERNSTEIN_TELEMETRY": "0",
    "BERNSTEIN_OFFLINE": "1",
    "SPEC_KITTY_NO_UPGRADE_CHECK": "1",
    "SPEC_KITTY_NON_INTERACTIVE": "1",
    "TASKMASTER_SKIP_AUTO_UPDATE": "1",
}


class PeerScene:
    """A clone of the scene's repository for one peer, with a home of its own."""

    def __init__(self, place: Scene, peer: Peer) -> None:
        self.peer, self.repo, home = peer, place.folder / "peer", place.folder / "peer-home"
        home.mkdir()
        kept = {name: os.environ[name] for name in ("LANG", "TMPDIR", "TERM") if name in os.environ}
        path = f"{peer.bin}{os.pathsep}{os.environ['PATH']}"
        self.env = {**kept, **QUIET, "PATH": path, "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}
        place.git("clone", "--quiet", "--no-hardlinks", str(place.repo), str(self.repo))
        self._git("config", "user.name", "Bench")
        self._git("config", "user.email", "bench@example.invalid")

    def call(self, *args: str, stdin: str = "") -> str:
        argv = [self.peer.program, *args]
        done = subprocess.run(argv, cwd=self.repo, env=self.env, input=stdin, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stderr}{done.stdout}")
        return done.stdout

    def write(self, path: str, text: str) -> None:
        target = self.repo / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def commit(self) -> None:
        self._git("add", "--all")
        self._git("commit", "--quiet", "-m", "Prepare")

    def _git(self, *args: str) -> None:
        subprocess.run(["git", "-C", str(self.repo), *args], env=self.env, capture_output=True, check=True)


def spec_kitty(scene: PeerScene) -> str:
    """A mission of forty work packages, each in a lane of its own. Answers the mission's name."""
    scene.call("init", "--ai", "claude", "--non-interactive")
    scene.commit()
    says = ("--friendly-name", "Load", "--purpose-tldr", "Load", "--purpose-context", "Forty parts.")
    shape = ("--topology", "lanes", "--start-branch", BRANCH, "--branch-strategy", "already-confirmed")
    made = json.loads(scene.call("agent", "mission", "create", "load", *shape, *says, "--json"))
    mission: str = made["mission_slug"]
    folder, packages = f"kitty-specs/{mission}", range(1, UNITS + 1)
    asked = "".join(f"- **FR-{n:03d}**: Part {n} MUST be written.\n" for n in packages)
    scene.write(f"{folder}/spec.md", _SPEC.format(asked=asked))
    scene.write(f"{folder}/plan.md", _PLAN)
    scene.write(f"{folder}/tasks.md", "# Work Packages: Load\n\n" + "".join(_PACKAGE.format(n=n) for n in packages))
    for n in packages:
        scene.write(f"{folder}/tasks/WP{n:02d}-part-{n}.md", _PROMPT.format(n=n))
    scene.commit()
    scene.call("agent", "mission", "finalize-tasks", "--mission", mission, "--json")
    report = "# Analysis Report\n\nNo findings.\n"
    scene.call("agent", "mission", "record-analysis", "--mission", mission, "--input-file", "-", stdin=report)
    return mission


def task_master(scene: PeerScene) -> None:
    scene.call("init", "-y", "--skip-install", "--no-aliases", "--no-git", "--no-git-tasks")
    config = scene.repo / ".taskmaster" / "config.json"
    settings = json.loads(config.read_text(encoding="utf-8"))
    settings["global"]["anonymousTelemetry"] = False
    config.write_text(json.dumps(settings), encoding="utf-8")
    plain = {"status": "pending", "dependencies": [], "priority": "medium", "testStrategy": "true", "subtasks": []}
    tasks = [
        {"id": n, "title": f"Part {n}", "description": f"Write part {n}.", "details": "", **plain}
        for n in range(1, UNITS + 1)
    ]
    at = "2026-01-01T00:00:00.000Z"
    kept = {"master": {"tasks": tasks, "metadata": {"created": at, "updated": at, "description": "Load"}}}
    scene.write(".taskmaster/tasks/tasks.json", json.dumps(kept))


def orkestra(scene: PeerScene) -> None:
    """Its planner without a model makes three tasks of any specification."""
    scene.write(".orkestra/config.toml", _ORKESTRA)
    scene.write(".gitignore", ".orkestra/\n")
    scene.write("SPEC.md", "# Load\n" + "".join(f"\n- Write part {n}\n" for n in range(1, UNITS + 1)))
    scene.commit()
    scene.call("plan", "--offline", "--spec", "SPEC.md")


def bernstein(scene: PeerScene) -> None:
    scene.call("init")
    rows = [{"id": f"part-{n}", "status": "open", "role": "backend"} for n in range(1, UNITS + 1)]
    scene.write(".sdd/runtime/task-backlog.json", json.dumps(rows))


@contextlib.contextmanager
def bernstein_server(scene: PeerScene) -> Iterator[None]:
    """Its task server on loopback with the forty tasks: listing asks it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    scene.env |= {"BERNSTEIN_SERVER_URL": url, "BERNSTEIN_AUTH_TOKEN": "bench-" * 8}
    argv = [scene.peer.program, "serve", "--port", str(port), "--log-level", "warning"]
    log = (scene.repo.parent / "server.log").open("wb")
    server = subprocess.Popen(argv, cwd=scene.repo, env=scene.env, stdout=log, stderr=log)
    try:
        _wait_for(port, server)
        for n in range(1, UNITS + 1):
            body = json.dumps({"title": f"Part {n}", "description": f"Write part {n}.", "role": "backend"}).encode()
            headers = {
                "Content-Type": "application/json",
                "Authorization": f"Bearer {scene.env['BERNSTEIN_AUTH_TOKEN']}",
            }
            urllib.request.urlopen(urllib.request.Request(f"{url}/tasks", body, headers), timeout=30).close()
        yield
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        log.close()


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and server.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.2)
    raise SystemExit("bernstein's task server did not start")


_ORKESTRA = """version = 1
[project]
name = "bench"
[agents.one]
adapter = "fake"
[agents.two]
adapter = "fake"
[director]
agent = "one"
[probes]
mode = "off"
"""
_SPEC = """# Mission Specification: Load

## User Scenarios & Testing

### User Story 1 - Parts (Priority: P1)

A reader sees every part.

1. **Given** a repository, **When** a part is written, **Then** its file is there

## Requirements

### Functional Requirements

{asked}
## Success Criteria

- **SC-001**: All parts are there.
"""
_PLAN = """# Implementation Plan: Load

## Summary

Every part is a file of its own, written independently of all others.

## Technical Context

**Language/Version**: Python 3.11
**Testing**: pytest
"""
_PACKAGE = """## Work Package WP{n:02d}: Part {n} (Priority: P1)

**Goal**: Write part {n}.
**Prompt**: `/tasks/WP{n:02d}-part-{n}.md`
**Requirement Refs**: FR-{n:03d}

### Included Subtasks

T{n:03d} Write part {n}

### Dependencies

- None (starting package).

"""
_PROMPT = """---
work_package_id: "WP{n:02d}"
title: "Part {n}"
dependencies: []
subtasks: ["T{n:03d}"]
requirement_refs: ["FR-{n:03d}"]
task_type: "implement"
execution_mode: "code_change"
owned_files: ["part{n:02d}/**"]
create_intent: ["part{n:02d}/it.py"]
authoritative_surface: "part{n:02d}/"
phase: "Phase 1 - Parts"
history: []
---

# Work Package Prompt: WP{n:02d} – Part {n}

1. Write a failing test in `part{n:02d}/test_it.py`.
2. Write `part{n:02d}/it.py` so that it passes.
"""
