"""`worktreePorts`: each worktree has numbers of its own, which all that runs for it is given."""

from __future__ import annotations

import json
import os
import shlex
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from okstra_ctl import git
from okstra_ctl.names import TaskKey
from okstra_ctl.proof.checkout import BASE, HEAD, checkouts
from okstra_ctl.proof.command import Runner
from okstra_ctl.runs.containment import sandbox_of
from okstra_ctl.sandbox.profile import Role
from okstra_ctl.services import open_services
from okstra_ctl.settings.project import load_project
from okstra_ctl.system import files
from okstra_ctl.worktrees import ports
from support import schemas
from support.okstra import Okstra, Project
from support.plans import independent
from support.rehearsal import install, led, part, report_of, result
from support.repos import Repo

KEY = TaskKey.make("demo", "core", "T-1")
NAMES = ("PORT", "DB_PORT")


def settings(project: Project, **more: object) -> None:
    path = project.repo.path / ".okstra" / "project.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "worktreePorts": list(NAMES), **more}))


def numbers_of(project: Project, place: str = "demo:core:T-1") -> dict[str, int]:
    numbers: dict[str, int] = project.registry["ports"][place]
    return numbers


def test_a_port_is_in_use_while_a_program_listens_and_no_longer() -> None:
    """Its server closes the connection first, so that the port is in TIME_WAIT afterwards."""
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"), (socket.AF_INET, "0.0.0.0")):
        with socket.create_server((address, 0), family=family) as server:
            number = server.getsockname()[1]
            with socket.create_connection((address, number)) as caller:
                assert not ports.is_free(number), address
                server.accept()[0].close()
                assert caller.recv(1) == b""
        assert ports.is_free(number), address


@pytest.mark.contained
def test_set_up_workers_a_shell_and_teardown_get_the_same_numbers(project: Project, tmp_path: Path) -> None:
    project.repo.commit({".gitignore": "*.log\n"})
    down = tmp_path / "down"
    down.mkdir()
    settings(
        project,
        worktreeSetup=['echo "$PORT $DB_PORT" > ports.log'],
        worktreeTeardown=[f'echo "$PORT $DB_PORT" > {shlex.quote(str(down))}/ports'],
        sandboxWritable=[str(down)],
    )
    seen = part({"run": 'test "$PORT $DB_PORT" = "$(cat ports.log)"'}, {"result": result()}, role="analyst", round="")
    install(project, seen)
    ended = led(project, "error-analysis")
    assert ended.status == 0, ended
    assert {row["outcome"] for row in report_of(ended)["execution"] if row["role"] == "analyst"} == {"completed"}
    place = Path(ended.data["worktree"]["path"])
    numbers = numbers_of(project)
    text = f"{numbers['PORT']} {numbers['DB_PORT']}"
    assert (place / "ports.log").read_text().strip() == text
    assert schemas.faults(project.registry, "worktree-registry") == []
    shell = project.okstra.ok("cd", "demo:core:T-1", "--env").stdout
    assert f"export PORT={numbers['PORT']}" in shell and f"export DB_PORT={numbers['DB_PORT']}" in shell
    variables = project.okstra.ok("cd", "demo:core:T-1", "--json").data["variables"]
    assert {name: variables[name] for name in NAMES} == {name: str(numbers[name]) for name in NAMES}
    project.okstra.ok("worktree", "remove", "demo:core:T-1")
    assert (down / "ports").read_text().strip() == text
    assert "ports" not in project.registry


def test_stages_and_okstras_own_checkouts_have_numbers_of_their_own(project: Project) -> None:
    settings(project)
    project.adopt(independent(2))
    stages = [project.run_stage(str(number)) for number in (1, 2)]
    assert [one.status for one in stages] == [0, 0]
    services = open_services(project.okstra.environment)
    root = str(project.repo.path)
    loaded = load_project(root, services)
    log = str(project.repo.path.parent / "check.log")
    files.open_log(log).close()
    runner = Runner(root, services, sandbox_of(root, services), str(KEY), log)
    repository = git.discover(root)
    assert repository is not None
    commit = project.repo.git("rev-parse", "HEAD").strip()
    with checkouts(loaded, repository, KEY, services, log_path=log) as places:
        outputs = [
            runner.run_in(places.at(name, commit), 'echo "$PORT $DB_PORT"', role).output.split()
            for name in (HEAD, BASE)
            for role in (Role.CHECK, Role.EVIDENCE)
        ]
        again = places.at(HEAD, commit)
    assert outputs[0] == outputs[1] == list(again.variables.values())
    assert outputs[2] == outputs[3]
    for key in ("demo:core:T-1", "demo:core:T-1#stage-1", "demo:core:T-1#stage-2"):
        task, _, stage = key.partition("#stage-")
        project.okstra.ok("cd", task, *(("--stage", stage) if stage else ()), "--env")
    before = project.registry["ports"]
    every = [number for numbers in before.values() for number in numbers.values()]
    assert len(before) == 5
    assert len(set(every)) == len(every) == 10
    assert {int(word) for words in outputs for word in words} < set(every)
    assert schemas.faults(project.registry, "worktree-registry") == []
    project.okstra.ok("reconcile", "--rebuild")
    assert project.registry["ports"] == before


@pytest.fixture
def listening() -> Iterator[list[socket.socket]]:
    """Sockets of another program."""
    opened: list[socket.socket] = []
    yield opened
    for one in opened:
        one.close()


def test_a_number_that_somebody_took_is_replaced_before_the_set_up_and_reported_after(
    project: Project, listening: list[socket.socket]
) -> None:
    settings(project)
    first = project.run_phase("error-analysis", "--provider", "rehearsal")
    assert first.status == 0, first
    number = project.okstra.ok("cd", "demo:core:T-1", "--json").data["variables"]["PORT"]
    listening.append(socket.socket())
    listening[0].bind(("127.0.0.1", int(number)))
    listening[0].listen()
    led_by_okstra = project.okstra("resume", first.data["run_id"])
    assert f"PORT: a program listens on {number} already" in led_by_okstra.stderr
    assert project.okstra.ok("cd", "demo:core:T-1", "--json").data["variables"]["PORT"] == number
    project.okstra.ok("worktree", "remove", "demo:core:T-1")
    again = project.run_phase()
    assert again.status == 0, again
    assert project.okstra.ok("cd", "demo:core:T-1", "--json").data["variables"]["PORT"] != number


@pytest.mark.parametrize("names", [["LD_PRELOAD"], ["PORT", "PORT"], "PORT"])
def test_settings_that_name_no_good_variable_are_refused(project: Project, names: object) -> None:
    path = project.repo.path / ".okstra" / "project.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "worktreePorts": names}))
    ended = project.run_phase()
    assert (ended.status, ended.codes) == (2, ["bad-config"]), ended
    assert "worktreePorts" in ended.envelope["errors"][0]["message"]


def _at_once(okstra: Okstra, projects: list[Project], tasks: int, threads: int) -> dict[str, dict[str, int]]:
    """Makes so many tasks' worktrees in each project, side by side; answers the ports of all."""
    request = projects[0].repo.path.parent / "request.md"
    request.write_text("# The thing\n\nDo the thing.\n")
    gate = threading.Barrier(threads)

    def make(number: int) -> Any:
        if number < threads:
            gate.wait()
        project = projects[number % len(projects)]
        words = ("--task-group", "g", "--task-id", f"t-{number}", "--task-type", "error-analysis")
        return project.okstra("run", *words, "--task-brief", request, "--render-only", "--json")

    with ThreadPoolExecutor(threads) as pool:
        ended = list(pool.map(make, range(tasks)))
    assert [one for one in ended if one.status] == []
    ports: dict[str, dict[str, int]] = projects[0].registry["ports"]
    return ports


def _two_projects(project: Project, tmp_path: Path) -> list[Project]:
    settings(project)
    environment = dict(project.okstra.environment)
    repo = Repo.init(tmp_path / "other", environment)
    repo.commit({"README.md": "other\n"})
    okstra = Okstra(environment, repo.path)
    okstra.ok("setup", "--project-id", "other", "--yes")
    other = Project(repo, okstra)
    settings(other)
    return [project, other]


def test_worktrees_of_two_projects_made_at_once_share_no_port(project: Project, tmp_path: Path) -> None:
    ports = _at_once(project.okstra, _two_projects(project, tmp_path), tasks=4, threads=4)
    every = [number for numbers in ports.values() for number in numbers.values()]
    assert len(ports) == 4
    assert len(set(every)) == len(every) == 8


@pytest.mark.stress
def test_200_worktrees_made_at_once_have_200_ports(project: Project, tmp_path: Path) -> None:
    projects = _two_projects(project, tmp_path)
    ports = _at_once(project.okstra, projects, tasks=200, threads=min(40, 8 * (os.cpu_count() or 1)))
    assert len(ports) == 200
    assert len({numbers["PORT"] for numbers in ports.values()}) == 200
    every = [number for numbers in ports.values() for number in numbers.values()]
    assert len(set(every)) == 400
