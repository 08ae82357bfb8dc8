"""What runs in a Dask worker, on the node: an okstra on a leash for each job."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from .. import __version__
from ..system import assets, processes

_MOST_OUTPUT = 64 * 1024
_MOST_UNAVAILABLE = 2
_UNFIT = 69

_leashes: dict[str, int] = {}
_changing = threading.Lock()
_unavailable = 0


def run_placed(handle: str, words: Sequence[str], version: str) -> dict[str, Any]:
    """Runs okstra in the node's clone to its end. Returns its exit status and the end of what it printed."""
    if version != __version__:
        output = f"the node has okstra {__version__}, and the job is of {version}: install the same on all nodes"
        return {"status": _UNFIT, "output": output}
    held, leash = os.pipe()
    try:
        with _changing:
            _leashes[handle] = leash
        command = [os.path.join(assets.root(), "bin", "okstra"), *words, "--leash", str(held)]
        running = processes.start(command, keep_open=(held,))
    finally:
        os.close(held)
    try:
        ended = running.finish()
    finally:
        end_placed(handle)
    _drain_if(ended.stdout)
    output = (ended.stdout + ended.stderr)[-_MOST_OUTPUT:].decode("utf-8", "replace")
    return {"status": ended.status, "output": output}


def end_placed(handle: str) -> None:
    """Lets go of the job's leash, if it is on this node: it ends."""
    with _changing:
        leash = _leashes.pop(handle, None)
    if leash is not None:
        with suppress(OSError):
            os.close(leash)


def _drain_if(envelope: bytes) -> None:
    """Two jobs in a row without an agent: the node takes no more, and leaves the fleet once its others have ended."""
    global _unavailable  # noqa: PLW0603 — of this process, as its slots are
    try:
        missed = bool(json.loads(envelope)["data"].get("unavailable"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return
    with _changing:
        _unavailable = _unavailable + 1 if missed else 0
        drains = _unavailable == _MOST_UNAVAILABLE
    if drains:
        from distributed import get_worker

        worker = get_worker()
        worker.loop.add_callback(worker.close_gracefully)
