"""okstra as pip and pipx install it: a wheel, in a virtual environment of its own."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

from .sealed import ROOT

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
