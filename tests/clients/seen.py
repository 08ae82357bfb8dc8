"""What the tests saw of the real agents, as a table for the docs: `python tests/clients/seen.py` writes it there."""

from __future__ import annotations

import json
import re
from pathlib import Path

SEEN = Path(__file__).with_name("seen.json")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "add-a-provider.md"
COLUMNS = ("read", "edit", "usage", "model seen", "limits", "contained")
_TABLE = re.compile(r"(<!-- seen -->\n).*?(<!-- /seen -->)", re.DOTALL)


def table() -> str:
    """Of every agent in `seen.json`, with the version that was tried."""
    rows = json.loads(SEEN.read_text())
    lines = [f"| agent | version | {' | '.join(COLUMNS)} |", f"|---|---|{'---|' * len(COLUMNS)}"]
    for name, row in rows.items():
        lines.append(f"| `{name}` | {row['version']} | {' | '.join(row[column] for column in COLUMNS)} |")
    return "\n".join(lines) + "\n"


def with_table(page: str) -> str:
    return _TABLE.sub(lambda found: f"{found[1]}{table()}{found[2]}", page)


def record(name: str, row: dict[str, str]) -> None:
    rows = json.loads(SEEN.read_text()) if SEEN.exists() else {}
    SEEN.write_text(json.dumps({**rows, name: row}, indent=2) + "\n")


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
