"""`okstra remote check`: can claims be kept on this remote? Each step is tried on a ref that no task can have."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import NamedTuple

from ..errors import OkstraError
from .ref_names import scratch_ref
from .side_repository import SideRepository


class Step(NamedTuple):
    """One thing that was tried. `needed`: claims can't be kept without it."""

    name: str
    ok: bool
    words: str = ""
    needed: bool = True


def try_out(side: SideRepository, namespace: str, machine: str) -> list[Step]:
    """Ends at the first step without which the others say nothing. Raises Missing (`remote-unreachable`)."""
    ref = scratch_ref(namespace, machine, secrets.token_hex(8))
    steps = []
    try:
        for step in _steps(side, ref):
            steps.append(step)
            if step.needed and not step.ok:
                break
    finally:
        left = side.forget(ref)
        if left and not any(step.name == "delete" for step in steps):
            side.push(ref, "", left)
    return steps


def _steps(side: SideRepository, ref: str) -> Iterator[Step]:
    side.read(ref)
    first, rival = _commit(side), _commit(side)
    created = side.push(ref, first, "")
    yield Step("create", created.ok, "" if created.ok else side.words_of(created))
    yield _read_back(side, ref, first, "read")
    second = side.push(ref, rival, "")
    yield Step("lose", not second.ok, "" if not second.ok else "it took a second claim over the first one")
    yield _read_back(side, ref, first, "keep")
    next_one = _commit(side, first)
    updated = side.push(ref, next_one, first)
    yield Step("update", updated.ok, "" if updated.ok else side.words_of(updated))
    deleted = side.push(ref, "", next_one)
    words = "" if deleted.ok else f"{side.words_of(deleted)}; the ref {ref} stays"
    yield Step("delete", deleted.ok, words, needed=False)


def _commit(side: SideRepository, *parents: str) -> str:
    return side.write({}, None, parents, f"okstra: check\n\nToken: {secrets.token_hex(16)}\n")


def _read_back(side: SideRepository, ref: str, wanted: str, name: str) -> Step:
    try:
        tip = side.read(ref).tip
    except OkstraError as error:
        return Step(name, False, error.message)
    if tip == wanted:
        return Step(name, True)
    return Step(name, False, "it shows another commit than it took" if tip else "it hides the ref that it took")
