"""The registry file: read without a lock (it is replaced whole), changed only within `transaction`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ..home_paths import HomePaths
from ..names import StageKey, TaskKey
from ..status import ClaimStatus
from ..system import files
from ..system.locks import LockKind, locked
from .registry_document import RegistryDoc


class Registry:
    """The claims of one home, in one file. Most callers need only `read` and `transaction`."""

    def __init__(self, home: HomePaths) -> None:
        self.path = home.registry
        self._lock = home.registry_lock

    def read(self) -> RegistryDoc:
        """The registry as it stands. Raises Unreadable (`registry-unreadable`); the file is never touched."""
        data = self.contents()
        return RegistryDoc() if data is None else RegistryDoc.parse(data, where=self.path)

    @contextmanager
    def transaction(self) -> Iterator[RegistryDoc]:
        """The registry under its lock; written back when the block ends without an error and changed something."""
        with locked(LockKind.REGISTRY, self._lock):
            document = self.read()
            before = document.copy()
            yield document
            if not document.equals(before):
                files.replace(self.path, document.dump())

    def is_finished(self, key: TaskKey | StageKey, token: str) -> bool:
        """Whether the claim with this token came to be valid: it is there, and no longer `provisioning`. Raises as
        `read`."""
        claim = self.read().claim_of(key)
        return claim is not None and claim.token == token and claim.status is not ClaimStatus.PROVISIONING

    def contents(self) -> bytes | None:
        """The file's bytes, damaged or not; None where there is no file."""
        return files.read_bytes(self.path)

    def replace_whole(
        self, document: RegistryDoc, name_of_old: str, *, unless_changed_from: bytes | None
    ) -> str | None:
        """Replaces the file by a rebuilt document; returns where the old file was set aside, or "" if there was none.

        Returns None and writes nothing when the file changed since the document was built.
        """
        aside = os.path.join(os.path.dirname(self.path), f"registry.{name_of_old}.json")
        with locked(LockKind.REGISTRY, self._lock):
            old = self.contents()
            if old != unless_changed_from:
                return None
            if old is not None:
                files.replace(aside, old)
            files.replace(self.path, document.dump())
        return aside if old is not None else ""
