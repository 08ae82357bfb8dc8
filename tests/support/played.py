"""Pages whose commands are played: in their `console` blocks, lines that begin with `$ ` are typed, what stands below
each is what it prints on stdout.

`OKSTRA_WRITE_DOCS=1` writes down what is printed now, instead of comparing.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from .sealed import ROOT, sealed_environment

HOME = "/home/ann"
_BLOCK = re.compile(r"(?<=```console\n).*?(?=```)", re.S)
_PROMPT = "$ "
_END = "\x1e"
_VARY = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "TIME"),
    (re.compile(r"\b[0-9a-f]{7,40}\b"), "COMMIT"),
    (re.compile(r"\b\d+(\.\d+)?([BKMG]| (s|ms|min))\b"), "AMOUNT"),
    (re.compile(r" {2,}"), "  "),
    (re.compile(r"(?m)^agents  .*"), "AGENTS"),  # what is installed here
)


class Played(NamedTuple):
    command: str
    output: str


def shown_in(text: str) -> list[Played]:
    """The commands of a page, and what it shows that they print."""
    return [Played(*_parted(part)) for block in _BLOCK.findall(text) for part in re.split(r"(?m)^\$ ", block)[1:]]


def play(commands: list[str], home: Path) -> list[Played]:
    """Types them in one shell, in a sealed home, and fails with the first that fails."""
    home.mkdir()
    environment = {**sealed_environment(home), "OKSTRA_PYTHON": sys.executable}
    environment["PATH"] = f"{ROOT / 'bin'}{os.pathsep}{environment['PATH']}"
    identity = "[user]\n\tname = Ann\n\temail = ann@example.org\n[init]\n\tdefaultBranch = main\n"
    (home / ".gitconfig").write_text(identity, encoding="utf-8")
    complaints = home / "stderr"
    script = "".join(f"{command}\n[ $? = 0 ] || exit 9\nprintf '{_END}'\n" for command in commands)
    with complaints.open("wb") as stderr:
        ended = subprocess.run(
            ["bash"],
            input=script.encode(),
            cwd=home,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=stderr,
            timeout=300,
        )
    *printed, _ = ended.stdout.decode().replace(str(home), HOME).split(_END)
    if len(printed) < len(commands):
        raise AssertionError(f"{commands[len(printed)]}\n{complaints.read_text()[-2000:]}")
    return list(map(Played, commands, printed))


def compared(rows: list[Played]) -> list[Played]:
    """Without what differs from one time to the next."""
    return [row._replace(output=_steady(row.output)) for row in rows]


def written_into(text: str, rows: list[Played]) -> str:
    """The page, showing what was printed."""
    left = iter(rows)

    def block(found: re.Match[str]) -> str:
        commands = re.split(r"(?m)^\$ ", found[0])[1:]
        return "".join(f"{_PROMPT}{row.command}\n{row.output}" for _, row in zip(commands, left, strict=False))

    return re.sub(_BLOCK, block, text)


def _parted(part: str) -> tuple[str, str]:
    command, _, output = part.partition("\n")
    return command, output


def _steady(text: str) -> str:
    for pattern, name in _VARY:
        text = pattern.sub(name, text)
    return text
