"""`make trust`: what okstra's protocol makes of workers whose error rates are known, and its proof of stages of which
it is known whether they are done; writes docs/trust.md and its plot.

Seeded, so that the same code gives the same tables.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "python"))

from trust_corpus import corpus_tables  # noqa: E402
from trust_tables import (  # noqa: E402
    Row,
    anchored_rows,
    anchored_table,
    goals_table,
    independent_rows,
    independent_table,
)


def put(page: str, tables: Mapping[str, str]) -> str:
    """The page with these tables between their marks, `<!-- NAME -->` and `<!-- /NAME -->`."""
    for name, text in tables.items():
        before, _, rest = page.partition(f"<!-- {name} -->")
        after = rest.partition(f"<!-- /{name} -->")[2]
        page = f"{before}<!-- {name} -->\n{text}\n<!-- /{name} -->{after}"
    return page


_BARS = (("untrusted", "#b3261e"), ("false_trusted", "#3b6ea5"), ("false_proven", "#8a6d00"))


def plot(rows: Sequence[Row]) -> str:
    """Bars by protocol. Drawn by hand: no library for fifty bars."""
    left, width, step = 440, 280, 44
    height = 60 + step * len(rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="800" height="{height}" fill="#fff"/>',
        '<text x="330" y="24"><tspan fill="#b3261e">■</tspan> bug not trusted  '
        '<tspan fill="#3b6ea5">■</tspan> something false trusted  '
        '<tspan fill="#8a6d00">■</tspan> agreed on and proven</text>',
    ]
    for number, row in enumerate(rows):
        top = 44 + number * step
        parts.append(f'<text x="{left - 8}" y="{top + 20}" text-anchor="end">{row.name}</text>')
        for place, (field, colour) in enumerate(_BARS):
            if field == "false_proven" and not row.rules.red_green:
                continue
            value, y = row.rates[field].value, top + 11 * place
            parts += [
                f'<rect x="{left}" y="{y}" width="{value * width:.1f}" height="9" fill="{colour}"/>',
                f'<text x="{left + value * width + 4:.1f}" y="{y + 8}" font-size="9">{value:.1%}</text>',
            ]
    return "\n".join([*parts, "</svg>", ""])


def main() -> None:
    anchored, independent = anchored_rows(), independent_rows()
    stages, unseen = corpus_tables()
    tables = {
        "goals": goals_table(anchored),
        "anchored": anchored_table(anchored),
        "independent": independent_table(independent),
        "corpus": stages,
        "unseen": unseen,
    }
    for text in tables.values():
        sys.stdout.write(text + "\n\n")
    page = ROOT / "docs" / "trust.md"
    page.write_text(put(page.read_text(encoding="utf-8"), tables), encoding="utf-8")
    (ROOT / "docs" / "trust.svg").write_text(plot(anchored), encoding="utf-8")


if __name__ == "__main__":
    main()
