"""Two hundred seeded stages, sound ones and ones that only look done, handed to `okstra stage done`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from trust_tables import rate  # noqa: E402

from support.okstra import Okstra, Project  # noqa: E402
from support.repos import Repo  # noqa: E402
from support.sealed import sealed_environment  # noqa: E402
from support.stage_corpus import BROKEN_KINDS, SOUND, UNPROVEN_KINDS, Sample, corpus, unseen  # noqa: E402
from support.stage_corpus_run import Verdict, play  # noqa: E402

SEED, COUNT, PART, UNSEEN = 20261130, 200, 20, 12


def play_all(samples: Sequence[Sample]) -> list[Verdict]:
    parts = [samples[first : first + PART] for first in range(0, len(samples), PART)]
    with ThreadPoolExecutor(max_workers=2) as pool:
        return [one for part in pool.map(_play_part, parts) for one in part]


def _play_part(samples: Sequence[Sample]) -> list[Verdict]:
    with tempfile.TemporaryDirectory(prefix="okstra-corpus-") as name:
        folder = Path(name).resolve()
        (folder / "home").mkdir()
        environment = sealed_environment(folder / "home")
        repo = Repo.init(folder / "project", environment)
        okstra = Okstra(environment, repo.path)
        okstra.ok("setup", "--project-id", "demo", "--yes")
        return play(Project(repo, okstra), samples)


def corpus_tables() -> tuple[str, str]:
    """What only looks done and what is sound, by kind; and what the proof can't see."""
    found = play_all([*corpus(COUNT, SEED), *unseen(UNSEEN, SEED)])
    seen, beyond = found[:COUNT], found[COUNT:]
    wrong = [f"{one.sample.name}: {one.outcome}, {one.said}" for one in seen if not one.right]
    sys.stdout.write("".join(f"not as expected: {line}\n" for line in wrong))
    return _table(seen), _unseen_table(beyond)


def _table(found: Sequence[Verdict]) -> str:
    lines = [
        "| stage | kind | stages | green where it was made | recorded as done | refused | theory |",
        "|---|---|---|---|---|---|---|",
    ]
    for words, kinds in (("looks done", (*UNPROVEN_KINDS, *BROKEN_KINDS)), ("sound", SOUND)):
        for kind in kinds:
            lines.append(_row(words, kind, [one for one in found if one.sample.kind == kind]))
        lines.append(_row(f"**{words}, all**", "", [one for one in found if one.sample.kind in kinds], sums=True))
    return "\n".join(lines)


def _row(words: str, kind: str, found: Sequence[Verdict], *, sums: bool = False) -> str:
    def share(has: Callable[[Verdict], bool]) -> str:
        hits = sum(map(has, found))
        return f"{hits} ({rate(hits, len(found))})" if sums else str(hits)

    expected = sorted({" or ".join(one.sample.expected) for one in found}) if not sums else []
    cells = [words, kind.replace("|", "\\|"), len(found), share(lambda one: one.alone)]
    cells += [share(lambda one: one.done), share(lambda one: not one.done), ", ".join(expected)]
    return "|" + "|".join(f" {cell} " if cell != "" else " " for cell in cells) + "|"


def _unseen_table(found: Sequence[Verdict]) -> str:
    lines = ["| what the proof can't see | stages | recorded as done |", "|---|---|---|"]
    for kind in dict.fromkeys(one.sample.kind for one in found):
        own = [one for one in found if one.sample.kind == kind]
        lines.append(f"| {kind} | {len(own)} | {sum(one.done for one in own)} |")
    return "\n".join(lines)
