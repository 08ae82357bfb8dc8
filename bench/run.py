"""`make bench`: measures okstra against the bare minimum of the same job at four sizes, and prints the tables.

`python bench/run.py NAME …` measures some rows only, `NAME:SIZE` at one size; `--list` names them. Figures are ratios
of whole commands run in turn on this machine: they say nothing on their own, and are never asserted.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import claims_rows
import document_rows
import evidence_rows
import fleet_rows
import led_rows
import listing_rows
import proof_rows
import quarantine_rows
import removal_rows
import sandbox_rows
import start_rows
from families import SIZES, Family
from measure import Row

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
BEGIN, END = "<!-- table -->", "<!-- /table -->"
_MODULES = (
    start_rows,
    removal_rows,
    listing_rows,
    document_rows,
    evidence_rows,
    proof_rows,
    quarantine_rows,
    sandbox_rows,
    led_rows,
    claims_rows,
    fleet_rows,
)
FAMILIES = {family.name: family for module in _MODULES for family in module.FAMILIES}
Measured = dict[str, dict[int, Row]]


def main(words: list[str]) -> int:
    if words == ["--list"]:
        for family in FAMILIES.values():
            print(
                f"{family.name:<13} {family.what}, by {family.of}" if family.of else f"{family.name:<13} {family.what}"
            )
        return 0
    chosen = _chosen(words)
    if chosen is None:
        return 2
    measured: Measured = {}
    failed = 0
    for family, sizes in chosen:
        for size in sizes:
            print(f"measuring {family.name} {size:,} …", file=sys.stderr)
            try:
                measured.setdefault(family.name, {})[size] = family.measure(size)
            except (OSError, ValueError, subprocess.SubprocessError, SystemExit) as error:  # the other rows stand
                failed += 1
                print(f"{family.name} {size:,} could not be measured: {error}", file=sys.stderr)
    page = _page(measured)
    print(page)
    if not words and not failed:
        _keep(page)
    return 1 if failed else 0


def _chosen(words: list[str]) -> list[tuple[Family, tuple[int, ...]]] | None:
    if not words:
        return [(family, family.sizes) for family in FAMILIES.values()]
    chosen = []
    for word in words:
        name, _, size = word.partition(":")
        family = FAMILIES.get(name)
        if family is None or (size and not (size.isdigit() and int(size) in family.sizes)):
            print(f"no such row: {word}; --list names them, sizes are {', '.join(map(str, SIZES))}", file=sys.stderr)
            return None
        chosen.append((family, (int(size),) if size else family.sizes))
    return chosen


def _page(measured: Measured) -> str:
    git = subprocess.run(["git", "version"], capture_output=True, text=True).stdout.strip()
    cores = os.cpu_count() or 1
    lines = [f"{platform.system()} {platform.machine()}, {cores} cores, Python {platform.python_version()}, {git}", ""]
    by_size = [FAMILIES[name] for name in measured if FAMILIES[name].of]
    if by_size:
        sizes = [f"{size:,}" for size in SIZES]
        lines += [f"| what | against | by | {' | '.join(sizes)} |", "|---|---|---|" + "---|" * len(sizes)]
        for family in by_size:
            cells = [_cell(measured[family.name].get(size)) for size in SIZES]
            lines.append(f"| {family.what} | {family.against} | {family.of} | {' | '.join(cells)} |")
    of_one_size = [FAMILIES[name] for name in measured if not FAMILIES[name].of]
    if of_one_size:
        lines += ["", "| what | against | |", "|---|---|---|"]
        lines += [f"| {one.what} | {one.against} | {_cell(measured[one.name].get(1))} |" for one in of_one_size]
    return "\n".join(lines)


def _cell(row: Row | None) -> str:
    """The ratio with its spread, the goal, both medians in milliseconds, the note."""
    if row is None:
        return ""
    goal = "" if row.goal is None else f" {'missed: ' if row.missed else ''}≤ {row.goal:g}"
    spread = f"({row.least:.2f} to {row.most:.2f})"
    medians = f"{row.ours.median * 1e3:.0f} : {row.theirs.median * 1e3:.0f} ms"
    return "<br>".join([f"**{row.ratio:.2f}**{goal}", spread, medians, *([row.note] if row.note else [])])


def _keep(page: str) -> None:
    """Puts the tables into docs/benchmarks.md."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{page}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
