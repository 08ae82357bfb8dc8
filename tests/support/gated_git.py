"""A git that waits at a gate when it is asked something: what happens between two questions can be put there."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .faults import eventually
from .okstra import Ended, Okstra

_WRAPPER = """#!/bin/sh
case " $* " in *"{words}"*)
  if [ ! -e "{passed}" ]; then
    {before}
    : >"{reached}"
    while [ -e "{shut}" ]; do sleep 0.02; done
    : >"{passed}"
    {after}
  fi ;;
esac
exec "{git}" "$@"
"""


class Gate:
    """A command that was started with the gated git; `reached` holds once it stands at the gate."""

    def __init__(self, folder: Path, process: subprocess.Popen[str]) -> None:
        self._folder, self._process = folder, process

    def wait_until_reached(self) -> None:
        eventually(lambda: (self._folder / "reached").exists() or self._process.poll() is not None, seconds=60)
        assert self._process.poll() is None, self._process.communicate()

    def open(self) -> Ended:
        """Lets the command go on to its end."""
        (self._folder / "shut").unlink()
        stdout, stderr = self._process.communicate(timeout=120)
        return Ended(self._process.returncode, stdout, stderr)


@contextmanager
def stopped_at(okstra: Okstra, folder: Path, words: str, *args: str, answered: bool = False) -> Iterator[Gate]:
    """Starts the command; it stands still when it first asks git something whose words hold `words`.

    `answered`: git has looked already, and its answer, of the time before the gate, comes after it.
    """
    folder.mkdir(parents=True)
    (folder / "shut").touch()
    real = shutil.which("git", path=okstra.environment["PATH"])
    places = {name: folder / name for name in ("reached", "passed", "shut")}
    before, after = (f'"{real}" "$@" >"{folder}/answer"', f'cat "{folder}/answer"; exit 0') if answered else (":", ":")
    text = _WRAPPER.format(words=words, git=real, before=before, after=after, **places)
    wrapper = folder / "git"
    wrapper.write_text(text)
    wrapper.chmod(0o755)
    path = f"{folder}{os.pathsep}{okstra.environment['PATH']}"
    gate = Gate(folder, okstra.start(*args, PATH=path))
    try:
        gate.wait_until_reached()
        yield gate
    finally:
        (folder / "shut").unlink(missing_ok=True)
        gate._process.wait(timeout=120)
