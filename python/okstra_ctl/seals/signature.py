"""A signature under the last row of a project's seals, by ssh-keygen: whoever keeps it elsewhere can tell later that no
row up to that one was changed or taken away."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from ..errors import UsageError, WorkFailed
from ..system import files, processes

_NAMESPACE = "okstra-seal"
_TEXT = re.compile(r"okstra seals of (\S+)\nrows: ([0-9]+)\nlast row: ([0-9a-f]{64})\n")


class Head(NamedTuple):
    """What is signed: the project, how many rows it has, and the digest of the last."""

    project: str
    rows: int
    digest: str

    @property
    def text(self) -> str:
        return f"okstra seals of {self.project}\nrows: {self.rows}\nlast row: {self.digest}\n"


def sign(path: str, key: str, head: Head) -> str:
    """Writes the head as a text file and ssh-keygen's signature beside it, `<path>.sig`. Returns the path.

    ssh-keygen may ask for the key's passphrase at the terminal. Raises UsageError (`input-missing`) without the key,
    Missing (`dependency-missing`), WorkFailed (`sign-failed`).
    """
    if not os.path.isfile(key):
        raise UsageError(
            "input-missing", f"there is no key {key}", where="--key", hint="ssh-keygen -t ed25519 makes one"
        )
    files.make_parents(path)
    files.replace(path, head.text.encode())
    files.discard(f"{path}.sig")  # ssh-keygen would ask whether to overwrite it
    ended = _ssh_keygen(["sign", "-f", key, "-n", _NAMESPACE, path])
    if not ended.ok:
        raise WorkFailed("sign-failed", f"ssh-keygen did not sign: {_last_line(ended.stderr)}", where=path)
    return path


def fault_of(path: str, signers: str, digests: list[str]) -> str:
    """What is wrong with a signed head, or with the rows (by their digests) that it stands for; empty when nothing is.

    Without `signers` the signature is checked, and not whose it is. Raises UsageError (`not-found`), Missing.
    """
    data = files.read_bytes(path)
    if data is None or not os.path.isfile(f"{path}.sig"):
        raise UsageError("not-found", f"there is no {path} with its {path}.sig", where="--signed")
    found = _TEXT.fullmatch(data.decode("utf-8", "replace"))
    if found is None:
        return "it is not what okstra seal sign writes"
    who = ["check-novalidate"]
    if signers:
        named = _ssh_keygen(["find-principals", "-s", f"{path}.sig", "-f", signers])
        if not named.ok:
            return f"its key is none of {signers}"
        who = ["verify", "-f", signers, "-I", named.stdout.decode("utf-8", "replace").split("\n")[0].split(",")[0]]
    checked = _ssh_keygen([*who, "-n", _NAMESPACE, "-s", f"{path}.sig"], data)
    if not checked.ok:
        return f"the signature is not one of this file: {_last_line(checked.stderr)}"
    rows = int(found[2])
    if rows > len(digests):
        return f"it was signed when there were {rows} row(s), and now there are {len(digests)}"
    return "" if digests[rows - 1 : rows] == [found[3]] else f"row {rows} is not the one that was signed"


def _ssh_keygen(words: list[str], stdin: bytes | None = None) -> processes.Finished:
    return processes.start(["ssh-keygen", "-Y", *words], stdin=stdin).finish()


def _last_line(data: bytes) -> str:
    return (data.decode("utf-8", "replace").strip().split("\n") or [""])[-1]
