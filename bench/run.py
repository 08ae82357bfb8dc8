"""`make bench`: measures okstra against the bare minimum of the same job, and prints the table.

`python bench/run.py NAME …` measures some rows only; `--list` names them. Figures are ratios of whole
commands run in turn on this machine: they say nothing on their own, and are never asserted.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

from measure import Row
from rows import ROWS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
BEGIN, END = "<!-- table -->", "<!-- /table -->"


def main(names: list[str]) -> int:
    if names == ["--list"]:
        print("\n".join(ROWS))
        return 0
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        print(f"no such row: {', '.join(unknown)}; --list names them", file=sys.stderr)
        return 2
    rows = []
    for name in names or ROWS:
        print(f"measuring {name} …", file=sys.stderr)
        rows += ROWS[name]()
    table = _table(rows)
    print(table)
    if not names:
        _keep(table)
    return 0


def _table(rows: list[Row]) -> str:
    git = subprocess.run(["git", "version"], capture_output=True, text=True).stdout.strip()
    head = f"{platform.system()} {platform.machine()}, {_cores()} cores, Python {platform.python_version()}, {git}"
    lines = [head, "", "| what | against | okstra | the other | ratio | goal | note |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        mark = "" if row.goal is None or row.ratio <= row.goal else " (missed)"
        goal = "" if row.goal is None else f"≤ {row.goal}"
        ratio = f"**{row.ratio:.2f}**{mark}"
        lines.append(f"| {row.what} | {row.against} | {row.ours} | {row.theirs} | {ratio} | {goal} | {row.note} |")
    return "\n".join(lines)


def _keep(table: str) -> None:
    """Puts the whole table into docs/benchmarks.md."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}", encoding="utf-8")


def _cores() -> int:
    import os

    return os.cpu_count() or 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
