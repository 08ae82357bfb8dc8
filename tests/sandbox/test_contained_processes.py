"""Contained processes: how they end, what they are told, who starts them, and what okstra itself can do in there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from okstra_ctl.agents.job import Job
from okstra_ctl.agents.runner import run_job, signalled
from okstra_ctl.agents.sweep import find
from okstra_ctl.runs.containment import containment, sandbox_of
from okstra_ctl.sandbox import bubblewrap
from okstra_ctl.sandbox.bubblewrap import Means
from okstra_ctl.sandbox.choice import Kind
from okstra_ctl.sandbox.profile import Machine, Places, Role, profile
from okstra_ctl.services import open_services
from okstra_ctl.status import Access, WorkerOutcome
from support import fake_clients
from support.contained_lab import SECRET, Lab, can_contain, lab
from support.fake_clients import PATIENCE, Shell
from support.sealed import ROOT

needs_bwrap = pytest.mark.skipif(not can_contain(Kind.BWRAP), reason="bubblewrap can't start here")
needs_landlock = pytest.mark.skipif(not can_contain(Kind.LANDLOCK), reason="this kernel has no Landlock")


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path / "machine") as made:
        yield made


def _job(machine: Lab, access: Access = Access.READ, *, soft: float = 60.0) -> Job:
    services = open_services({**machine.environment, "OKSTRA_SANDBOX": "bwrap"})
    role = {Access.READ: Role.READER, Access.EDIT: Role.EXECUTOR}[access]
    contained = containment(
        sandbox_of(str(machine.project.path), services),
        role,
        str(machine.worktree),
        str(machine.project.path),
        results=(str(machine.drop),),
    )
    made = fake_clients.job(machine.base / "job", access=access, soft=soft, hard=soft + 30)
    folder, result = str(machine.worktree), str(machine.drop / "result.md")
    return made._replace(folder=folder, result=result, containment=contained)


@needs_bwrap
def test_a_client_that_is_asked_to_end_hears_it_and_may_clean_up(machine: Lab) -> None:
    job = _job(machine, soft=1.0)
    script = f"trap 'echo cleaned > {job.result}; exit 0' TERM; sleep 60 & wait"
    started = time.monotonic()
    report = run_job(
        job, Shell(script), stop=threading.Event(), inherited={"PATH": os.environ["PATH"]}, patience=PATIENCE
    )
    assert report.outcome is WorkerOutcome.TIMEOUT
    assert Path(job.result).read_text() == "cleaned\n"
    assert time.monotonic() - started < 20
    assert find(job.token) == []


@needs_bwrap
def test_nothing_of_a_client_that_was_killed_is_left(machine: Lab) -> None:
    job = _job(machine)
    stop = threading.Event()
    threading.Timer(1.0, stop.set).start()
    script = "trap '' TERM; (setsid sleep 600 &) ; env -i setsid sleep 601 & sleep 602"
    report = run_job(job, Shell(script), stop=stop, inherited={"PATH": os.environ["PATH"]}, patience=PATIENCE)
    assert report.outcome is WorkerOutcome.ERROR
    assert fake_clients.left_of(job) == []
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line for line in listing if line.strip() in ("sleep 600", "sleep 601", "sleep 602")] == []


def test_the_status_of_a_client_that_a_signal_ended_is_negative_as_without_a_sandbox() -> None:
    assert [signalled(status) for status in (0, 1, 127, 137, 143)] == [0, 1, 127, -9, -15]
    assert [signalled(status) for status in (144, 145, 173, 244, 255)] == [144, 145, 173, 244, 255]


@needs_bwrap
def test_a_worker_can_check_its_result_inside(machine: Lab) -> None:
    out = machine.start(
        Role.READER, f"{sys.executable} -I {ROOT}/python/okstra_ctl/__main__.py check result /nowhere.md; echo $?"
    )
    assert out.stdout.decode().splitlines()[-1] == "2", out
    assert "/nowhere.md" in out.stdout.decode()


@needs_bwrap
def test_what_the_person_shows_is_seen_and_only_that(machine: Lab) -> None:
    (machine.okstra_home / "config.json").write_text(
        '{"schema": "config/1", "sandboxShow": ["~/.config/newtool", "$SECRET_OF_THE_SHELL"]}'
    )
    shown = machine.start(Role.READER, "cat ~/.config/newtool/token; echo $SECRET_OF_THE_SHELL; ls -A ~/.config")
    assert shown.stdout.decode() == f"{SECRET}{SECRET}\nnewtool\n"


@needs_bwrap
def test_a_port_that_the_person_names_can_be_reached(machine: Lab) -> None:
    call = f"import socket; socket.create_connection(('127.0.0.1', {machine.web}), 2).send(b'hit')"
    for ports, status in (([], 1), ([str(machine.web)], 0), (["any"], 0)):
        config = {"schema": "config/1", "sandboxPorts": ports}
        (machine.okstra_home / "config.json").write_text(str(config).replace("'", '"'))
        assert machine.start(Role.READER, f'python3 -c "{call}"').status == status, ports


@needs_bwrap
def test_checks_have_no_network_where_the_person_says_so(machine: Lab) -> None:
    call = f"import socket; socket.create_connection(('127.0.0.1', {machine.web}), 2)"
    assert machine.start(Role.CHECK, f'python3 -c "{call}"').status == 0
    (machine.okstra_home / "config.json").write_text('{"schema": "config/1", "checkNetwork": false}')
    assert machine.start(Role.CHECK, f'python3 -c "{call}"').status == 1


@needs_bwrap
def test_paths_may_hold_anything(tmp_path: Path) -> None:
    with lab(tmp_path / "a b\n'c\" --ro-bind") as odd:
        found = odd.run(Role.EXECUTOR, "touch x && echo evil > ../../../../project/README.md; pwd")
        assert found.changed == ("own worktree",)
        assert str(odd.worktree) in found.output


@needs_bwrap
def test_a_home_behind_a_link_is_private_too(tmp_path: Path) -> None:
    with lab(tmp_path / "machine") as machine:
        link = tmp_path / "home"
        link.symlink_to(machine.home)
        machine.environment.update(HOME=str(link), OKSTRA_HOME=str(link / ".okstra"))
        found = machine.run(Role.EXECUTOR, "cat ~/.ssh/* ~/.netrc; echo evil > ~/.bashrc; touch x; git status -s")
        assert not found.leaked
        assert found.changed == ("own worktree",)
        assert "?? x" in found.output


@needs_bwrap
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root can become somebody else")
def test_an_ordinary_user_is_contained_as_well(tmp_path: Path) -> None:
    """In user namespaces of its own, of which what runs inside can make no more."""
    folder = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    try:
        for name in ("home", "work", "home/.ssh"):
            (folder / name).mkdir()
        (folder / "home" / ".ssh" / "id").write_text(SECRET)
        (folder / "blank").touch()
        subprocess.run(["chown", "-R", "65534:65534", str(folder)], check=True)
        machine = Machine(str(folder / "home"), ("/tmp",), (), (), str(folder / "blank"))
        shaped = profile(Role.EXECUTOR, machine, Places(str(folder / "work")))
        script = f"touch made; cat {folder}/home/.ssh/id; touch /usr/evil; id -u; unshare -Ur true"
        argv = bubblewrap.arguments(shaped, Means(str(shutil.which("bwrap")), False, True), ("sh", "-c", script))
        as_user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", *argv]
        ended = subprocess.run(as_user, cwd=folder, capture_output=True, text=True, timeout=60)
        assert (folder / "work" / "made").exists(), ended
        assert ended.stdout == "65534\n"
        assert ended.stderr.count("Read-only file system") == 1
        assert "unshare failed" in ended.stderr
        assert SECRET not in ended.stdout
    finally:
        shutil.rmtree(folder)


# Landlock alone


@needs_landlock
@pytest.mark.parametrize(
    ("role", "script", "changed"),
    [
        (Role.READER, "echo evil > src/a.py; echo evil > <PROJECT>/README.md; echo evil > ~/.bashrc", ()),
        (
            Role.READER,
            "cat ~/.ssh/* ~/.netrc <PROJECT>/.env <RECORDS>/drops/others/*; printenv SECRET_OF_THE_SHELL",
            (),
        ),
        (Role.EXECUTOR, "echo mine > src/a.py; echo evil > <OTHER>/src/a.py; rm -rf <RECORDS>", ("own worktree",)),
        (Role.CHECK, "touch built; git tag -d v1; touch /usr/evil ~/.okstra/x", ("own worktree",)),
        (Role.READER, "python3 -c \"import socket;socket.create_connection(('127.0.0.1',<PORT>)).send(b'hit')\"", ()),
    ],
)
def test_without_namespaces_files_are_contained_by_landlock(
    machine: Lab, role: Role, script: str, changed: tuple[str, ...]
) -> None:
    found = machine.run(role, script, kind=Kind.LANDLOCK)
    assert found.changed == changed, found
    assert os.listdir(machine.okstra_home / "sandbox") == ["blank"]
    assert not found.leaked


@needs_landlock
@pytest.mark.parametrize("role", [Role.TESTER, Role.EXECUTOR])
def test_a_git_file_that_a_worker_turned_elsewhere_names_its_folder_again(machine: Lab, role: Role) -> None:
    """Nothing can be mounted over it; okstra's own git would obey whatever it names."""
    pointer = (machine.worktree / ".git").read_text()
    for turned in ("git init -q --bare e.git; echo gitdir: $PWD/e.git > .git", "rm .git; git init -q ."):
        machine.run(role, turned, kind=Kind.LANDLOCK)
        assert (machine.worktree / ".git").read_text() == pointer, turned
    assert (machine.worktree / ".git.attempt-1").is_dir(), "what was no file is set aside"
    machine.project.git("-C", str(machine.worktree), "clean", "-ffdq")
