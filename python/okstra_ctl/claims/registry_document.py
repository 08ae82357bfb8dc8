"""The registry: which run has claimed which stage and worktree. The document; its file is `registry.py`'s."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from ..errors import OkstraError, Unreadable
from ..names import Owner, StageKey, TaskKey, number_in
from ..status import ClaimStatus
from ..system.text import DocumentError, Entry, dump, parse

T = TypeVar("T")

SCHEMA = "worktree-registry/1"
_SECTIONS = ("tasks", "stages")
_PORTS = "ports"
_REPAIR = "nothing was changed; `okstra reconcile --rebuild` rebuilds it from git, ledgers and manifests"


class User(NamedTuple):
    """A run that works in a task's worktree. `owner` is who prepares or leads it now; None when it is prepared and
    nobody leads it."""

    run_id: str
    owner: Owner | None

    def to_json(self) -> Entry:
        return {"run_id": self.run_id, "owner": self.owner.to_json() if self.owner else None}

    @classmethod
    def from_json(cls, entry: object) -> User:
        if not isinstance(entry, dict):
            raise ValueError("a user is an object")
        return cls(_text(entry, "run_id"), Owner.from_json(entry.get("owner")))


class TaskClaim(NamedTuple):
    """A task's worktree. `epochs` has the highest epoch that each stage ever had; it never goes down.

    `restores`: it is being recreated on a branch that existed before; undoing that leaves the branch alone.
    `users` are the runs of other phases that were started in it and have not ended, in order; None where they were
    not recorded: an older okstra's entry, or one of a rebuilt registry.
    """

    path: str
    branch: str
    base_commit: str
    project_root: str
    status: ClaimStatus
    created_at: str
    implementation_base: str = ""
    run_id: str = ""
    owner: Owner | None = None
    token: str = ""
    epochs: Mapping[int, int] = MappingProxyType({})
    restores: bool = False
    users: tuple[User, ...] | None = None

    def with_user(self, user: User) -> TaskClaim:
        """With that run as a user; its place among the others stays."""
        users = self.users or ()
        if any(one.run_id == user.run_id for one in users):
            return self._replace(users=tuple(user if one.run_id == user.run_id else one for one in users))
        return self._replace(users=(*users, user))

    def without_users(self, *run_ids: str) -> TaskClaim:
        """Without these runs as users."""
        return self._replace(users=tuple(one for one in self.users or () if one.run_id not in run_ids))

    def to_json(self) -> Entry:
        return {
            "path": self.path,
            "branch": self.branch,
            "base_commit": self.base_commit,
            "project_root": self.project_root,
            "status": str(self.status),
            "created_at": self.created_at,
            "implementation_base": self.implementation_base,
            "run_id": self.run_id,
            "owner": self.owner.to_json() if self.owner else None,
            "token": self.token,
            "epochs": {str(stage): epoch for stage, epoch in sorted(self.epochs.items())},
            **({"restores": True} if self.restores else {}),
            **({} if self.users is None else {"users": [user.to_json() for user in self.users]}),
        }

    @classmethod
    def from_json(cls, entry: Entry) -> TaskClaim:
        epochs = entry.get("epochs", {})
        if not isinstance(epochs, dict):
            raise ValueError("epochs is a map")
        users = entry.get("users")
        if users is not None and not isinstance(users, list):
            raise ValueError("users is a list")
        return cls(
            path=_place(entry, "path"),
            branch=_text(entry, "branch"),
            base_commit=_text(entry, "base_commit"),
            project_root=_place(entry, "project_root"),
            status=ClaimStatus(_text(entry, "status")),
            created_at=_text(entry, "created_at"),
            implementation_base=_text(entry, "implementation_base"),
            run_id=_text(entry, "run_id"),
            owner=Owner.from_json(entry.get("owner")),
            token=_text(entry, "token"),
            epochs={int(stage): int(epoch) for stage, epoch in epochs.items()},
            restores=_flag(entry, "restores"),
            users=None if users is None else tuple(map(User.from_json, users)),
        )


class PreviousClaim(NamedTuple):
    """The claim on a stage that a `rerun` in progress takes over; it is restored when the rerun is undone."""

    run_id: str
    epoch: int
    status: ClaimStatus
    owner: Owner | None
    reserved_at: str
    plan_digest: str
    remote_token: str = ""
    proven: str = ""

    @classmethod
    def of(cls, claim: StageClaim) -> PreviousClaim:
        return cls(*(getattr(claim, name) for name in cls._fields))

    def to_json(self) -> Entry:
        owner = self.owner.to_json() if self.owner else None
        entry = {**self._asdict(), "status": str(self.status), "owner": owner}
        return {name: value for name, value in entry.items() if value or name not in ("remote_token", "proven")}

    @classmethod
    def from_json(cls, entry: object) -> PreviousClaim | None:
        if entry is None:
            return None
        if not isinstance(entry, dict):
            raise ValueError("before is an object")
        return cls(
            run_id=_text(entry, "run_id"),
            epoch=_count(entry, "epoch"),
            status=ClaimStatus(_text(entry, "status")),
            owner=Owner.from_json(entry.get("owner")),
            reserved_at=_text(entry, "reserved_at"),
            plan_digest=_text(entry, "plan_digest"),
            remote_token=_text(entry, "remote_token"),
            proven=_text(entry, "proven"),
        )


class StageClaim(NamedTuple):
    """One run's claim on one stage. `token` is the lock reason of its worktree.

    `restores` as in `TaskClaim`. `before` is the claim that a rerun in progress takes over. `job`: the name of the
    `okstra work` that took the stage, which goes on with it once it is started again; empty without one.
    `remote_token`: that of its claim at the git remote by which machines share the task; empty where they don't.
    `proven`: the commit at which its exit check passed, while other machines may not know that the stage is done.
    """

    path: str
    branch: str
    base_commit: str
    project_root: str
    status: ClaimStatus
    run_id: str
    owner: Owner | None
    reserved_at: str
    epoch: int
    token: str
    plan: str
    plan_digest: str
    restores: bool = False
    before: PreviousClaim | None = None
    job: str = ""
    remote_token: str = ""
    proven: str = ""

    def to_json(self) -> Entry:
        return {
            "path": self.path,
            "branch": self.branch,
            "base_commit": self.base_commit,
            "project_root": self.project_root,
            "status": str(self.status),
            "run_id": self.run_id,
            "owner": self.owner.to_json() if self.owner else None,
            "reserved_at": self.reserved_at,
            "epoch": self.epoch,
            "token": self.token,
            "plan": self.plan,
            "plan_digest": self.plan_digest,
            **({"restores": True} if self.restores else {}),
            **({"before": self.before.to_json()} if self.before else {}),
            **({"job": self.job} if self.job else {}),
            **({"remote_token": self.remote_token} if self.remote_token else {}),
            **({"proven": self.proven} if self.proven else {}),
        }

    @classmethod
    def from_json(cls, entry: Entry) -> StageClaim:
        return cls(
            path=_place(entry, "path"),
            branch=_text(entry, "branch"),
            base_commit=_text(entry, "base_commit"),
            project_root=_place(entry, "project_root"),
            status=ClaimStatus(_text(entry, "status")),
            run_id=_text(entry, "run_id"),
            owner=Owner.from_json(entry.get("owner")),
            reserved_at=_text(entry, "reserved_at"),
            epoch=_count(entry, "epoch"),
            token=_text(entry, "token"),
            plan=_text(entry, "plan"),
            plan_digest=_text(entry, "plan_digest"),
            restores=_flag(entry, "restores"),
            before=PreviousClaim.from_json(entry.get("before")),
            job=_text(entry, "job"),
            remote_token=_text(entry, "remote_token"),
            proven=_text(entry, "proven"),
        )

    def as_before(self) -> StageClaim | None:
        """The claim that is restored once this unfinished one is undone: an earlier run's, or None."""
        if self.before is None:
            return None
        return self._replace(**self.before._asdict(), restores=False, before=None)


class RegistryDoc:
    """Task and stage claims by key. Raises Unreadable (`registry-unreadable`) when a requested entry is damaged.

    An entry's fields are checked when it is requested, so any method may raise; `where` is the file that the error
    names.
    """

    def __init__(self, sections: Mapping[str, Mapping[str, Entry]] = MappingProxyType({}), *, where: str = "") -> None:
        self._sections = {name: dict(sections.get(name, {})) for name in _SECTIONS}
        self._ports = {place: dict(entry) for place, entry in sections.get(_PORTS, {}).items()}
        self._where = where

    @classmethod
    def parse(cls, data: bytes, *, where: str = "") -> RegistryDoc:
        """Raises Unreadable (`registry-unreadable`)."""
        try:
            return cls(parse(data, SCHEMA, (*_SECTIONS, _PORTS)), where=where)
        except DocumentError as error:
            raise _damaged(error, where) from error

    def copy(self) -> RegistryDoc:
        """A copy that can be changed independently."""
        return RegistryDoc(self._all(), where=self._where)

    def dump(self) -> bytes:
        return dump(SCHEMA, self._all())

    def equals(self, other: RegistryDoc) -> bool:
        return self._all() == other._all()

    def _all(self) -> dict[str, dict[str, Entry]]:
        return {**self._sections, **({_PORTS: self._ports} if self._ports else {})}

    def ports(self) -> dict[str, dict[str, int]]:
        """The numbers that worktrees have, by place and variable (`claims/ports.py`)."""
        return {place: self._typed(place, entry, _numbers) for place, entry in self._ports.items()}

    def put_ports(self, place: str, numbers: Mapping[str, int]) -> None:
        self._ports[place] = dict(numbers)

    def remove_ports(self, place: str) -> None:
        self._ports.pop(place, None)

    def task(self, key: TaskKey) -> TaskClaim | None:
        entry = self._sections["tasks"].get(str(key))
        return None if entry is None else self._typed(str(key), entry, TaskClaim.from_json)

    def stage(self, key: StageKey) -> StageClaim | None:
        entry = self._sections["stages"].get(str(key))
        return None if entry is None else self._typed(str(key), entry, StageClaim.from_json)

    def put_task(self, key: TaskKey, claim: TaskClaim) -> None:
        self._sections["tasks"][str(key)] = claim.to_json()

    def put_stage(self, key: StageKey, claim: StageClaim) -> None:
        self._sections["stages"][str(key)] = claim.to_json()

    def claim_of(self, key: TaskKey | StageKey) -> TaskClaim | StageClaim | None:
        return self.stage(key) if isinstance(key, StageKey) else self.task(key)

    def put(self, key: TaskKey | StageKey, claim: TaskClaim | StageClaim) -> None:
        self._sections["stages" if isinstance(key, StageKey) else "tasks"][str(key)] = claim.to_json()

    def remove_task(self, key: TaskKey) -> None:
        self._sections["tasks"].pop(str(key), None)

    def remove_stage(self, key: StageKey) -> None:
        self._sections["stages"].pop(str(key), None)

    def stages_of(self, key: TaskKey) -> dict[int, StageClaim]:
        """The claims on a task's stages, by stage number; other entries are not checked."""
        prefix = f"{key}#stage-"
        found = {}
        for name, entry in self._sections["stages"].items():
            number = number_in(name[len(prefix) :]) if name.startswith(prefix) else None
            if number is not None:
                found[number] = self._typed(name, entry, StageClaim.from_json)
        return found

    def tasks(self) -> Iterator[tuple[TaskKey, TaskClaim]]:
        for name, entry in self._sections["tasks"].items():
            yield self._key(name, TaskKey.parse), self._typed(name, entry, TaskClaim.from_json)

    def stages(self) -> Iterator[tuple[StageKey, StageClaim]]:
        for name, entry in self._sections["stages"].items():
            yield self._key(name, StageKey.parse), self._typed(name, entry, StageClaim.from_json)

    def claims(self) -> Iterator[tuple[str, str]]:
        """Project root and worktree path of every claim."""
        for _, task in self.tasks():
            yield task.project_root, task.path
        for _, stage in self.stages():
            yield stage.project_root, stage.path

    def holder_of_branch(self, project_root: str, branch: str) -> str | None:
        """The key of the task or stage that has this branch of this project."""
        return self._holder({"branch": branch, "project_root": project_root})

    def holder_of_path(self, path: str) -> str | None:
        return self._holder({"path": path})

    def _holder(self, fields: Mapping[str, str]) -> str | None:
        for entries in self._sections.values():
            for key, entry in entries.items():
                if all(entry.get(name) == value for name, value in fields.items()):
                    return key
        return None

    def _typed(self, key: str, entry: Entry, read: Callable[[Entry], T]) -> T:
        try:
            return read(entry)
        except (ValueError, TypeError, OverflowError) as error:
            raise _damaged(f"the entry {key!r} is damaged: {error}", self._where) from error

    def _key(self, name: str, parse: Callable[[str], T]) -> T:
        try:
            return parse(name)
        except OkstraError as error:
            raise _damaged(f"the entry {name!r} is damaged: {error}", self._where) from error


def _damaged(what: object, where: str) -> Unreadable:
    return Unreadable("registry-unreadable", f"the registry can't be read: {what}", where=where, hint=_REPAIR)


def _text(entry: Entry, field: str) -> str:
    """Text that can be a path: without NUL, and with surrogates only where a path's bytes are not UTF-8."""
    value = entry.get(field, "")
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(f"{field} is text")
    if not value.isascii():
        value.encode("utf-8", "surrogateescape")
    return value


def _place(entry: Entry, field: str) -> str:
    """A folder by its whole path: one that depends on where a command is called would name somebody else's."""
    value = _text(entry, field)
    if value and (not posixpath.isabs(value) or ".." in value.split("/")):
        raise ValueError(f"{field} is an absolute path")
    return value


def _count(entry: Entry, field: str) -> int:
    value = entry.get(field, 0)
    if type(value) is not int:
        raise ValueError(f"{field} is a number")
    return value


def _numbers(entry: Entry) -> dict[str, int]:
    """Ports by the name of a variable."""
    numbers = {name: number for name, number in entry.items() if type(number) is int and 0 < number < 65536}
    if len(numbers) != len(entry):
        raise ValueError("a port is a number")
    return numbers


def _flag(entry: Entry, field: str) -> bool:
    value = entry.get(field, False)
    if not isinstance(value, bool):
        raise ValueError(f"{field} is true or false")
    return value
