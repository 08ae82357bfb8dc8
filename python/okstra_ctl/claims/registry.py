"""The registry file. Read without a lock (it is replaced whole); changed inside `transaction` alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ..home_paths import HomePaths
from ..system import files
from ..system.locks import LockKind, locked
from .registry_document import RegistryDoc


class Registry:
    """Reservations of one machine, in one file. Flows know only `read` and `transaction` ."""

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

    def contents(self) -> bytes | None:
        """The file's bytes, sound or not; None where there is none."""
        return files.read_bytes(self.path)

    def replace_whole(
        self, document: RegistryDoc, name_of_old: str, *, unless_changed_from: bytes | None
    ) -> str | None:
        """Puts a document made anew in place; returns where the old file was set aside, or "" if there was none.

        None, and nothing is written, when the file is not as the document was made from any more.
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
