"""Rows for what a led run adds around its agents: evidence check and isolation receipt, in this process."""

from __future__ import annotations

import subprocess
import sys

from measure import Row, compare, run, settle
from scenes import ROOT, scene

sys.path.insert(0, str(ROOT / "python"))

from okstra_ctl.core.results.records import Evidence, Finding
from okstra_ctl.words.findings import FindingSeverity

_FILES, _CITATIONS, _LINES = 200, 1000, 300


def thousand_citations() -> list[Row]:
    from okstra_ctl.flows.evidence import Place, check_findings

    with scene(_FILES) as place:
        names = [f"src/m{number}.py" for number in range(_FILES)]
        for name in names:
            path = place.repo / name
            path.parent.mkdir(exist_ok=True)
            path.write_text("".join(f"value_{line} = compute({line})  # {name}\n" for line in range(_LINES)))
        place.git("add", "--all")
        place.git("commit", "--quiet", "-m", "Sources")
        head = place.git("rev-parse", "HEAD")
        findings = [_finding(number, names[number % _FILES]) for number in range(_CITATIONS)]
        batch = "".join(f"{head}:{name}\n" for name in names).encode()

        def bare() -> None:
            argv = ["git", "-C", str(place.repo), "cat-file", "--batch"]
            subprocess.run(argv, input=batch, env=place.env, capture_output=True, check=True)

        return [
            compare(
                f"evidence check of {_CITATIONS:,} citations",
                lambda: check_findings(Place(str(place.repo), head, {}), findings),
                "git cat-file --batch of the same files",
                bare,
                rounds=15,
                goal=2.0,
            )
        ]


def _finding(number: int, name: str) -> Finding:
    line = 1 + number * 7 % _LINES
    cited = Evidence(name, line, line, f"value_{line - 1} = compute({line - 1})", "", None)
    return Finding(f"F-{number:03d}", FindingSeverity.LOW, "t", "c", (cited,), None, 1)


def isolation_receipt() -> list[Row]:
    """A stage's run may edit its own worktree, so that one is not compared; any other run's is."""
    from okstra_ctl.core.isolation import Rights, breaches
    from okstra_ctl.edges import git
    from okstra_ctl.edges.isolation_probe import snapshot

    with scene(10_000) as place:
        place.plan(2)
        worktree = str(place.home / ".okstra" / "worktrees" / "bench" / "load" / "t-1" / "task")
        repository = git.discover(str(place.repo))
        if repository is None:
            raise SystemExit("the scene has no repository")
        settle()

        def receipt(own: str) -> None:
            rights = Rights(str(place.repo), worktree, "", not own, frozenset(), frozenset())
            before = snapshot(repository, own, (), place.env)
            if breaches(before, snapshot(repository, own, (), place.env), rights):
                raise SystemExit("nothing was done, and the receipt names a breach")

        def status(*folders: str) -> None:
            for folder in folders:
                run(["git", "-C", folder, "status", "--porcelain"], env=place.env)

        return [
            compare(
                "isolation receipt of a stage's run, before and after, 10,000 files",
                lambda: receipt(""),
                "git status",
                lambda: status(str(place.repo)),
                rounds=15,
                goal=3.0,
            ),
            compare(
                "isolation receipt of another run, which compares two worktrees",
                lambda: receipt(worktree),
                "git status in both",
                lambda: status(str(place.repo), worktree),
                rounds=15,
                goal=3.0,
            ),
        ]
