"""Whether a sandbox can start on this machine; where it can't, why, and what helps."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Mapping

from ..errors import Missing
from ..system import processes
from . import landlock, seatbelt
from .bubblewrap import Means
from .choice import AUTO, Kind, Probed

_SECONDS = 5.0
_INSTALL = (
    "install bubblewrap: apt install bubblewrap, dnf install bubblewrap, pacman -S bubblewrap or apk add bubblewrap"
)


def probe(choice: str, environment: Mapping[str, str]) -> Probed:
    """What `choice`, one of CHOICES, comes to here; where it can't start, `off` with the cause."""
    if choice == Kind.OFF:
        return Probed(Kind.OFF, "the sandbox is switched off")
    if sys.platform == "darwin":
        return _seatbelt(choice)
    if choice == Kind.SEATBELT:
        return Probed(Kind.OFF, "seatbelt is macOS's", "choose auto")
    if choice == Kind.LANDLOCK:
        return _landlock(Probed(Kind.OFF))
    found = _bubblewrap(environment)
    return _landlock(found) if choice == AUTO and found.kind is Kind.OFF else found


def _seatbelt(choice: str) -> Probed:
    if choice not in (AUTO, Kind.SEATBELT):
        return Probed(Kind.OFF, f"{choice} is Linux's", "choose auto")
    if os.access(seatbelt.PROGRAM, os.X_OK):
        return Probed(Kind.SEATBELT, means=Means(seatbelt.PROGRAM, False, False))
    return Probed(Kind.OFF, f"there is no {seatbelt.PROGRAM}")


def _landlock(instead_of: Probed) -> Probed:
    if not landlock.version():
        why = instead_of.why or "this kernel has no Landlock"
        return Probed(Kind.OFF, why, instead_of.remedy or "choose auto")
    return Probed(Kind.LANDLOCK, instead_of.why, instead_of.remedy)


def _bubblewrap(environment: Mapping[str, str]) -> Probed:
    program = shutil.which("bwrap", path=environment.get("PATH"))
    if program is None:
        return Probed(Kind.OFF, "bubblewrap is not installed", _INSTALL)
    is_root = os.geteuid() == 0
    full = Means(os.path.realpath(program), is_root, not is_root)
    complaint = _trial(full, network=False)
    lesser = full._replace(forbids_namespaces=False)
    if complaint and not full.is_root and not _trial(lesser, network=False):
        return Probed(Kind.BWRAP, means=lesser)
    if complaint and _trial(lesser, network=True):
        return Probed(Kind.OFF, complaint, _remedy(program, complaint))
    return Probed(Kind.BWRAP, means=lesser if complaint else full)


def _trial(means: Means, *, network: bool) -> str:
    """Starts the real thing in small: it passes on no system where a worker's would fail. Returns its complaint."""
    argv = [means.program, "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent", "--new-session"]
    argv += ["--cap-drop", "ALL"] if means.is_root else ["--unshare-user"]
    argv += ["--disable-userns"] if means.forbids_namespaces else []
    argv += [] if network else ["--unshare-net"]
    argv += [
        "--ro-bind",
        "/",
        "/",
        "--dev",
        "/dev",
        "--proc",
        "/proc",
        "--tmpfs",
        "/tmp",
        "--remount-ro",
        "/tmp",
        "true",
    ]
    try:
        tried = processes.run([*argv, "true"], timeout=_SECONDS)
    except Missing as error:
        return error.message
    return "" if tried.ok else tried.complaint or f"it ended with {tried.status}"


def _remedy(program: str, complaint: str) -> str:
    """What helps, by what forbids user namespaces here."""
    if os.stat(program).st_mode & stat.S_ISUID:
        return "bwrap is installed setuid, and refuses: install the distribution's newest version, which needs none"
    if _setting("kernel/unprivileged_userns_clone") == "0":
        return "sudo sysctl -w kernel.unprivileged_userns_clone=1"
    if _setting("user/max_user_namespaces") == "0":
        return "sudo sysctl -w user.max_user_namespaces=15000"
    if _setting("kernel/apparmor_restrict_unprivileged_userns") == "1":
        return (
            "allow bwrap alone: sudo apt install apparmor-profiles && sudo ln -s "
            "/usr/share/apparmor/extra-profiles/bwrap-userns-restrict /etc/apparmor.d/ && "
            "sudo apparmor_parser -r /etc/apparmor.d/bwrap-userns-restrict"
        )
    if "nesting depth" in complaint or "No space left" in complaint:
        return "okstra runs in another sandbox, which forbids one inside it: that one contains the workers, too"
    if os.path.exists("/.dockerenv") or os.path.exists("/run/.containerenv"):
        return (
            "start the container with --security-opt seccomp=unconfined --security-opt systempaths=unconfined, "
            "or let the container contain the workers: okstra config set sandbox off"
        )
    return "user namespaces are refused here: sudo dmesg | grep -i -e apparmor -e audit shows by what"


def _setting(name: str) -> str:
    try:
        with open(f"/proc/sys/{name}", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""
