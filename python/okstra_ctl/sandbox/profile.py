"""What a sandbox shows, hides and lets be written, by role, as values (docs/design/containment.md).

A profile is a list of layers over the machine's whole file system, which is read-only to begin with. Deeper paths lie
over the folders above them, whatever the order in which they were named.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..status import Access, Word


class Role(Word):
    """What runs inside, and so what it needs."""

    READER = "reader"
    """A worker that reads its worktree: its result and its client's state are all that it writes."""
    TESTER = "tester"
    """A worker that may run the project's tests, which write into the worktree; git's records stay as they are."""
    EXECUTOR = "executor"
    CHECK = "check"
    """A command of the project's that checks a commit."""
    SETUP = "setup"
    """A command of the project's that sets a worktree up, and fills the caches."""
    TEARDOWN = "teardown"
    EVIDENCE = "evidence"
    """A command that a worker cites, in a checkout of okstra's own: what it builds there is nobody's."""
    INSPECT = "inspect"
    """okstra's own look at a tree that a worker has touched."""


class Bind(NamedTuple):
    """Shows what stands at `source` outside as `target` inside; both are absolute paths without links."""

    source: str
    target: str
    writable: bool = False


class Machine(NamedTuple):
    """What of the machine and the person's home counts, as it was found. Paths are absolute and without links."""

    home: str
    private: tuple[str, ...]
    """Folders that are empty inside, and gone at the end: `/tmp` and its like."""
    shown: tuple[Bind, ...]
    """What is brought back into the private folders and the home, read-only: toolchains above all."""
    sockets: tuple[str, ...]
    """Unix sockets on which programs of this machine listen: a read-only mount does not stop a connection."""
    blank: str
    """An empty file, to be laid over files that are hidden."""


class Places(NamedTuple):
    """Where a worker or command works. An empty path: there is none."""

    folder: str
    """The worktree; of a run without git, the project itself."""
    checkout: str = ""
    """The main checkout when the worktree is another one: of it, only git's and okstra's records are shown."""
    common_dir: str = ""
    git_file: str = ""
    """The worktree's `.git`, which decides whose settings okstra's own git obeys."""
    git_dir: str = ""
    """git's own folder of the worktree by the repository's records, where `.git` can't be protected and may be turned
    elsewhere: it names that folder again when the worker has ended."""
    records: str = ""
    """The project's `.okstra`."""
    okstra_home: str = ""
    hidden: tuple[str, ...] = ()
    """Folders in the places above that are nobody's business inside: what other workers leave, their logins."""
    results: tuple[str, ...] = ()
    """The folders that this worker alone may write: for its result, and for what git traces of it."""
    caches: tuple[str, ...] = ()
    """What the person named in `sandboxWritable`."""
    dependencies: tuple[str, ...] = ()
    """Folders of the main checkout with installed packages, which git ignores: checks see them."""
    sockets: tuple[str, ...] = ()
    """Sockets that the person named in `sandboxShow`, for setting up and tearing down."""


class Layer(NamedTuple):
    """One mount. Without a `source`, an empty folder: writable, or one that hides what stands there."""

    target: str
    source: str = ""
    writable: bool = False

    @property
    def hides(self) -> bool:
        return not self.source and not self.writable


class Profile(NamedTuple):
    role: Role
    folder: str
    network: bool
    layers: tuple[Layer, ...]


_MOST_SOCKETS = 24  # each mount costs: the kernel's list of mounts is read anew for every one
WRITES_FOLDER = (Role.TESTER, Role.EXECUTOR, Role.CHECK, Role.EVIDENCE, Role.SETUP, Role.TEARDOWN)
_PREPARES = (Role.SETUP, Role.TEARDOWN)
_WITHOUT_NETWORK = (Role.EVIDENCE, Role.INSPECT)
AGENTS = (Role.READER, Role.TESTER, Role.EXECUTOR)
_ROLES = {Access.READ: Role.READER, Access.TEST: Role.TESTER, Access.EDIT: Role.EXECUTOR}


def role_of(access: Access) -> Role:
    return _ROLES[access]


def profile(
    role: Role, machine: Machine, places: Places, binds: Sequence[Bind] = (), *, check_network: bool = True
) -> Profile:
    """The layers of a role. `binds` are further ones: a client's private state, an executor's git folder."""
    layers = [*map(_empty, machine.private), _empty(machine.home), *map(_bound, machine.shown), *_shown(role, places)]
    if role in WRITES_FOLDER:
        layers.append(Layer(places.folder, places.folder, writable=True))
        if places.git_file:
            layers.append(Layer(places.git_file, places.git_file))
    if role is Role.EXECUTOR:
        layers += _shared_git_folder(places, binds)
    layers += [Layer(path, path, writable=True) for path in places.results]
    layers += [Layer(path, path, writable=role in _PREPARES) for path in places.caches]
    open_sockets = places.sockets if role in _PREPARES else ()
    layers += [Layer(path, path) for path in open_sockets]
    layers += [_bound(bind) for bind in binds]
    hidden = [Layer(path, machine.blank) for path in _doors(machine, layers) if path not in open_sockets]
    network = role not in _WITHOUT_NETWORK and (check_network or role is not Role.CHECK)
    return Profile(role, places.folder, network, needed(in_order([*layers, *hidden])))


def inspection(folder: str, machine: Machine, emptied: Iterable[str]) -> Profile:
    """For okstra's own git, which is to find what it would find outside: the home and its settings are seen, and
    nothing can be written but in the `emptied` folders, where filters may (git-lfs does); what they hold is lost."""
    layers = [*map(_hidden, machine.private), *map(_bound, machine.shown), Layer(folder, folder), *map(_empty, emptied)]
    hidden = [Layer(path, machine.blank) for path in _doors(machine, layers)]
    return Profile(Role.INSPECT, folder, False, needed(in_order([*layers, *hidden])))


def in_order(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """Folders before what is in them; of two layers at one place the later one."""
    last = {layer.target: layer for layer in layers}
    return tuple(sorted(last.values(), key=lambda layer: layer.target.rstrip("/").count("/")))


def needed(ordered: Iterable[Layer]) -> tuple[Layer, ...]:
    """Without the layers that show what is seen anyway, in the same way: every mount costs."""
    kept = [Layer("/", "/")]
    for layer in ordered:
        below = [one for one in kept if is_within(layer.target, [one.target])][-1]
        same_place = layer.source == layer.target and below.source == below.target
        if not (same_place and layer.writable == below.writable):
            kept.append(layer)
    return tuple(kept[1:])


def is_within(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in folders)


def _shown(role: Role, places: Places) -> list[Layer]:
    """The places that are read, each over whatever hides it."""
    layers = []
    if places.checkout:
        layers.append(_hidden(places.checkout))
        layers += [Layer(path, path) for path in places.dependencies]
    for path in (places.common_dir, places.records, places.okstra_home, places.folder):
        if path:
            layers.append(Layer(path, path))
    return layers + [_hidden(path) for path in places.hidden]


def _shared_git_folder(places: Places, binds: Sequence[Bind]) -> list[Layer]:
    """git's common folder, writable for an executor that has no copy of its own there: it could not commit."""
    if not places.common_dir or any(bind.target == places.common_dir for bind in binds):
        return []
    return [Layer(places.common_dir, places.common_dir, writable=True)]


def _doors(machine: Machine, layers: Sequence[Layer]) -> list[str]:
    """The sockets that could be reached through the layers."""
    ordered = in_order(layers)
    return [path for path in machine.sockets if _is_seen(path, ordered)][:_MOST_SOCKETS]


def _is_seen(path: str, ordered: Sequence[Layer]) -> bool:
    over = [layer for layer in ordered if is_within(path, [layer.target])]
    return not over or bool(over[-1].source)


def _bound(bind: Bind) -> Layer:
    return Layer(bind.target, bind.source, bind.writable)


def _empty(path: str) -> Layer:
    return Layer(path, writable=True)


def _hidden(path: str) -> Layer:
    return Layer(path)
