"""A profile as the argument list of bubblewrap. Later mounts lie over earlier ones, so the order has a meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .profile import Layer, Profile


class Means(NamedTuple):
    """The program, and what it can do here."""

    program: str
    is_root: bool
    """Whether okstra runs as root: bubblewrap then makes no user namespace, and would keep every capability."""
    forbids_namespaces: bool
    """Whether it can keep what runs inside from making namespaces of its own."""


def arguments(profile: Profile, means: Means, argv: Sequence[str]) -> tuple[str, ...]:
    """The whole command line. The environment is no part of it: arguments can be read by everybody on the machine."""
    words = [means.program, *_namespaces(profile, means), "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
    for layer in profile.layers:
        words += _mount(layer)
    for layer in profile.layers:  # when the places of what is mounted inside have been made
        words += ["--remount-ro", layer.target] if layer.hides else []
    return (*words, "--chdir", profile.folder, "--", *argv)


def _namespaces(profile: Profile, means: Means) -> list[str]:
    words = ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent", "--new-session"]
    if means.is_root:
        words += ["--cap-drop", "ALL"]
    else:
        words += ["--unshare-user"]
        words += ["--disable-userns"] if means.forbids_namespaces else []
    if not profile.network:
        words += ["--unshare-net"]
    return words


def _mount(layer: Layer) -> list[str]:
    if not layer.source:
        return ["--tmpfs", layer.target]
    return ["--bind" if layer.writable else "--ro-bind", layer.source, layer.target]
