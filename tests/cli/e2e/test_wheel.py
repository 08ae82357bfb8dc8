"""okstra from a wheel, as `pipx install okstra` brings it: the same commands, the same install, nothing left behind."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Mapping
from pathlib import Path

import pytest

from okstra_ctl import __version__
from support.okstra import Ended
from support.repos import Repo
from support.sealed import ROOT, sealed_environment
from support.terminal import Terminal

_NODE = shutil.which("node")


_PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


def build_wheel(folder: Path) -> Path:
    """Builds it without a network: hatchling is among the packages of the tests."""
    command = [*_PIP, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


def install_wheel(wheel: Path, folder: Path) -> Path:
    """The commands' folder of a new environment with the wheel in it; the packages it needs are the tests' own."""
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    put = [*_PIP, "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)]
    done = subprocess.run(put, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    # Named one by one: the editable okstra of the tests must not be found beside the wheel's.
    needed = Path(sysconfig.get_path("purelib"))
    for path in needed.iterdir():
        if "okstra" not in path.name and not (packages / path.name).exists() and path.suffix != ".pth":
            (packages / path.name).symlink_to(path)
    return folder / "bin"


def picture(folder: Path) -> dict[str, str]:
    """Every name below a folder, with its kind, mode and a digest of its content."""
    seen = {}
    for path in sorted(folder.rglob("*")):
        found = path.lstat()
        content = b"" if path.is_dir() else os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
        seen[str(path.relative_to(folder))] = f"{found.st_mode:o} {hashlib.sha256(content).hexdigest()}"
    return seen


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder where pip put the `okstra` of a wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    return install_wheel(build_wheel(folder), folder / "environment")


@pytest.fixture
def sealed(tmp_path: Path, commands: Path) -> dict[str, str]:
    home = tmp_path / "home"
    home.mkdir()
    environment = sealed_environment(home)
    environment.pop("OKSTRA_PYTHON", None)
    return {**environment, "PATH": f"{commands}:{environment['PATH']}"}


def call(environment: Mapping[str, str], *words: str | Path, at: Path | None = None) -> Ended:
    folder = at or environment["HOME"]
    ended = subprocess.run([*map(str, words)], cwd=folder, env=environment, capture_output=True, text=True)
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def assets_of(commands: Path) -> Path:
    (found,) = commands.parent.glob("lib/python*/site-packages/okstra_ctl/_assets")
    return found


def test_the_wheel_carries_what_install_and_the_shell_doors_need(commands: Path) -> None:
    assets = assets_of(commands)
    for folder in ("agents", "bin", "lib", "prompts", "schemas", "skills", "src", "templates", "validators"):
        ours = {path.relative_to(ROOT) for path in (ROOT / folder).rglob("*") if path.is_file()}
        theirs = {path.relative_to(assets) for path in (assets / folder).rglob("*") if path.is_file()}
        assert _sources(ours) == _sources(theirs), folder
    assert all(os.access(path, os.X_OK) for path in (assets / "bin").iterdir())


def test_the_demonstration_is_played_from_the_wheel(sealed: dict[str, str], tmp_path: Path) -> None:
    """To its end, in at most 35 lines and 20 seconds of work, with nothing but its own folder written."""
    (place := tmp_path / "place").mkdir()
    before = picture(Path(sealed["HOME"]))
    worked = _cpu_seconds()
    shown = call({**sealed, "TMPDIR": str(place), "GIT_DIR": "/nowhere", "PYTHONPYCACHEPREFIX": ""}, "okstra", "demo")
    assert shown.status == 0, shown
    assert _cpu_seconds() - worked < 20, "on a free machine it takes about half as long"
    lines = shown.stdout.splitlines()
    assert len(lines) <= 35 and shown.stderr == ""
    assert [line.split()[-1] for line in lines if line.startswith("   verdict:")] == [
        "cause-established",
        "ready-for-approval",
        "accepted",
    ]
    assert "that of G-001 fails as cited: shown; that of G-003 does not: contested" in shown.stdout
    assert "the command of G-001 fails without this work and passes with it: proven, and closed" in shown.stdout
    assert picture(Path(sealed["HOME"])) == before
    (made,) = place.iterdir()
    report = next(Path(line.split()[1]) for line in lines if line.startswith("report "))
    assert report.is_file() and report.is_relative_to(made)
    enter = lines[lines.index("Look at it:") + 1].strip()
    looked = subprocess.run(
        ["bash", "-c", f"{enter}; okstra open top --print"], env=sealed, capture_output=True, text=True
    )
    assert looked.stdout.strip() == str(report), looked


def _cpu_seconds() -> float:
    """What children that have ended used, theirs included: a busy machine makes it no longer."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_a_demonstration_that_cannot_go_on_names_its_log(
    sealed: dict[str, str], tmp_path: Path, commands: Path
) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\necho no such luck >&2\nexit 5\n")
    (tmp_path / "git").chmod(0o755)
    (place := tmp_path / "place").mkdir()
    broken = {**sealed, "TMPDIR": str(place), "PATH": f"{tmp_path}:{sealed['PATH']}"}
    ended = call(broken, "okstra", "demo", "--json")
    assert (ended.status, ended.codes) == (1, ["run-failed"])
    (error,) = ended.envelope["errors"]
    assert "no such luck" in error["message"]
    assert "no such luck" in Path(error["where"]).read_text()


def _sources(paths: set[Path]) -> set[Path]:
    return {path for path in paths if "__pycache__" not in path.parts}


@pytest.mark.skipif(_NODE is None, reason="node is not there: okstra install can't be run")
def test_install_and_uninstall_leave_the_home_as_it_was(sealed: dict[str, str], commands: Path) -> None:
    home = Path(sealed["HOME"])
    (home / ".claude" / "skills" / "mine").mkdir(parents=True)
    (home / ".claude" / "skills" / "mine" / "SKILL.md").write_text("mine")
    before = picture(home)
    assert call(sealed, "okstra", "--version").stdout == f"okstra {__version__}\n"
    installed = call(sealed, "okstra", "install", "--json")
    assert installed.status == 0, installed.stderr
    runtime = json.loads(installed.stdout)["data"]["runtime"]
    assert (runtime["action"], runtime["python"]) == ("recorded", str(commands / "python"))
    checkout = {path.parent.name for path in (ROOT / "skills").glob("okstra-*/SKILL.md")} | {"okstra-lead", "mine"}
    assert {path.name for path in (home / ".claude" / "skills").iterdir()} == checkout
    assert (home / ".claude" / "agents" / "codex-worker.md").is_file()
    again = json.loads(call(sealed, "okstra", "install", "--json").stdout)["data"]
    assert again["runtime"]["action"] == "kept"
    removed = call(sealed, "okstra", "uninstall")
    assert removed.status == 0, removed.stderr
    assert picture(home) == before


@pytest.mark.skipif(_NODE is None, reason="node is not there: okstra install can't be run")
def test_doctor_finds_it_in_order(sealed: dict[str, str]) -> None:
    assert call(sealed, "okstra", "install").status == 0
    answer = json.loads(call(sealed, "okstra", "doctor", "--json").stdout)
    rows = {row["check"]: row["status"] for row in answer["data"]["checks"]}
    assert {rows[name] for name in ("python", "runtime", "skills", "agents", "locks")} == {"ok"}


def test_its_shell_doors_run_on_its_own_python(sealed: dict[str, str], commands: Path, tmp_path: Path) -> None:
    repo = Repo.init(tmp_path / "project", sealed)
    bin_folder = assets_of(commands) / "bin"
    bare = {**sealed, "PATH": os.defpath}
    assert call(bare, bin_folder / "okstra", "--version").stdout == f"okstra {__version__}\n"
    assert call(bare, bin_folder / "okstra-ctl", "setup", "--project-id", "w", "--yes", at=repo.path).status == 0
    flags = ("--task-type", "error-analysis", "--task-group", "g", "--task-id", "i", "--request=Find the cause.")
    ran = call(bare, bin_folder / "okstra.sh", *flags, "--provider=rehearsal", "--json", at=repo.path)
    assert ran.status == 0, ran.stderr
    assert ran.data["outcome"] == "completed"


def test_without_node_it_says_what_is_missing_and_writes_nothing(sealed: dict[str, str], commands: Path) -> None:
    before = picture(Path(sealed["HOME"]))
    ended = call({**sealed, "PATH": str(commands)}, "okstra", "install", "--json")
    assert ended.status == 69
    (error,) = json.loads(ended.stdout)["errors"]
    assert error["code"] == "dependency-missing"
    assert "Node.js 18 or newer" in error["try"]
    assert picture(Path(sealed["HOME"])) == before


@pytest.mark.skipif(_NODE is None, reason="node is not there: okstra install can't be run")
@pytest.mark.parametrize("flag", ["--python=/usr/bin/python3", "--link"])
def test_another_python_is_refused(sealed: dict[str, str], flag: str) -> None:
    before = picture(Path(sealed["HOME"]))
    ended = call(sealed, "okstra", "install", *flag.split("="))
    assert ended.status == 2
    assert "pipx" in ended.stderr
    assert {name: text for name, text in picture(Path(sealed["HOME"])).items() if ".okstra" not in name} == before


@pytest.mark.parametrize(("installed", "told"), [("0.0.1\n", True), (f"{__version__}\n", False), (None, False)])
def test_another_version_than_the_installed_one_is_told_at_a_terminal(
    sealed: dict[str, str], commands: Path, tmp_path: Path, installed: str | None, told: bool
) -> None:
    okstra_home = Path(sealed["OKSTRA_HOME"])
    okstra_home.mkdir()
    if installed:
        (okstra_home / "version").write_text(installed)
    at = Terminal([str(commands / "okstra"), "projects"], tmp_path, sealed)
    assert at.end() == 0
    assert ("was last run by version 0.0.1" in at.all_shown) is told
    assert "warning" not in call(sealed, "okstra", "projects").stderr


def test_a_package_that_is_gone_is_named_with_the_way_on(
    sealed: dict[str, str], commands: Path, tmp_path: Path
) -> None:
    shutil.copytree(commands.parent, tmp_path / "other", symlinks=True)
    (package,) = (tmp_path / "other").glob("lib/python*/site-packages/markdown_it")
    package.unlink()
    (tmp_path / "plan.md").write_text("# Plan\n")
    python = tmp_path / "other" / "bin" / "python"
    ended = call(sealed, python, "-m", "okstra_ctl", "plan", "check", tmp_path / "plan.md", "--json")
    assert (ended.status, ended.codes) == (69, ["dependency-missing"])
    assert "the Python package markdown_it is not installed" in ended.stderr
    assert "  try: okstra install" in ended.stderr
