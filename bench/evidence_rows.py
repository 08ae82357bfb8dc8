"""Rows for what a led run adds around its agents: evidence check and isolation receipt, in this process."""

from __future__ import annotations

import subprocess
from functools import partial

import fillings  # noqa: F401  brings the package in
from families import Family
from measure import Row, compare, run, settle
from scenes import scene

from okstra_ctl import git
from okstra_ctl.checks.evidence import EvidenceSource, check_lines
from okstra_ctl.guard.breaches import Rights, changes
from okstra_ctl.guard.snapshot import SnapshotScope, snapshot
from okstra_ctl.results.records import Evidence

_FILES, _LINES = 200, 300
_EVIDENCE = {1_000: 2.0}
_RECEIPT = {10_000: 3.0}


def citations(count: int) -> Row:
    place = scene(1)
    names = [f"src/m{number}.py" for number in range(_FILES)]
    for name in names:
        path = place.repo / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(f"value_{line} = compute({line})  # {name}\n" for line in range(_LINES)))
    place.git("add", "--all")
    place.git("commit", "--quiet", "-m", "Sources")
    head = place.git("rev-parse", "HEAD")
    lines = [_citation(number, names[number % _FILES]) for number in range(count)]
    batch = "".join(f"{head}:{name}\n" for name in names[:count]).encode()
    argv = ["git", "-C", str(place.repo), "cat-file", "--batch"]
    bare = partial(subprocess.run, argv, input=batch, env=place.env, capture_output=True, check=True)
    checked = partial(check_lines, EvidenceSource(str(place.repo), head, {}), lines)
    return compare("", checked, "", bare, rounds=15, goal=_EVIDENCE.get(count))


def _citation(number: int, name: str) -> Evidence:
    line = 1 + number * 7 % _LINES
    return Evidence(name, line, line, f"value_{line - 1} = compute({line - 1})", "", None)


def receipt(files: int, *, compared: bool) -> Row:
    """Before and after a run. `compared`: its own worktree is compared too, as for every run that may not edit it."""
    place = scene(files)
    place.plan(2)
    worktree = str(place.home / ".okstra" / "worktrees" / "bench" / "load" / "t-1" / "task")
    repository = git.discover(str(place.repo))
    if repository is None:
        raise SystemExit("the scene has no repository")
    own = worktree if compared else ""
    rights = Rights(str(place.repo), worktree, "", "", not own, frozenset(), frozenset())
    looks = SnapshotScope(own, (), (), (), str(place.repo / ".git" / "hooks"))
    settle()

    def ours() -> None:
        before = snapshot(repository, looks, place.env)
        found = changes(before, snapshot(repository, looks, place.env), rights)
        if found:
            raise SystemExit(f"nothing was done, and the receipt names {found[:3]}")

    def status() -> None:
        for folder in (str(place.repo), *([worktree] if compared else [])):
            run(["git", "-C", folder, "status", "--porcelain"], env=place.env)

    return compare("", ours, "", status, rounds=15, goal=_RECEIPT.get(files))


_STAGE, _OTHER = partial(receipt, compared=False), partial(receipt, compared=True)

FAMILIES = (
    Family("evidence", "evidence check", "git cat-file --batch of the same files", "citations", citations, _EVIDENCE),
    Family("receipt", "isolation receipt of a stage", "git status", "files", _STAGE, _RECEIPT),
    Family("receipt-two", "isolation receipt of another run", "git status in both", "files", _OTHER, _RECEIPT),
)
