"""The README's pictures, made from the demo as it really runs: its terminal, and a report in a browser.

`make pictures` writes `docs/pictures/terminal.svg` and `docs/pictures/report.png`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
SECTION = re.compile(r"^2\. .*?(?=^3\. )", re.MULTILINE | re.DOTALL)
COLUMNS, LINE, CHARACTER, EDGE = 118, 17, 7.83, 18
REPORT_WIDTH, REPORT_HEIGHT = 1100, 1240
INK, DIM, GOOD, BAD, BACK = "#d8dee9", "#8b95a5", "#8fbf7f", "#e07a70", "#1f2430"

sys.path.insert(0, str(ROOT / "tests"))

from support.chromium import Chromium, find


def main() -> None:
    browser = find()
    if browser is None:
        raise SystemExit("pictures: no Chromium: install one, or name it with OKSTRA_CHROMIUM")
    demo = [ROOT / "bin" / "okstra", "demo", "--verbose"]
    said = subprocess.run(demo, capture_output=True, text=True, check=True).stdout
    place = re.search(r"^remove  rm -rf (\S+)", said, re.MULTILINE)
    section, report = SECTION.search(said), re.search(r"^report  (.+\.html)$", said, re.MULTILINE)
    if place is None or section is None or report is None:
        raise SystemExit("pictures: the demo does not say what it said when this was written")
    PICTURES.mkdir(exist_ok=True)
    told = section[0].replace(place[1], "~/demo").replace(str(ROOT), "~/okstra")
    (PICTURES / "terminal.svg").write_text(terminal(told.rstrip().split("\n")), encoding="utf-8")
    picture_of_report(Path(report[1]), browser)
    shutil.rmtree(place[1])


def terminal(lines: list[str]) -> str:
    """Lines of a terminal as SVG; what is too long is cut, and says so."""
    shown = [line if len(line) <= COLUMNS else f"{line[: COLUMNS - 1]}…" for line in lines]
    width, height = round(COLUMNS * CHARACTER) + 2 * EDGE, len(shown) * LINE + 2 * EDGE
    rows = "\n".join(
        f'<text x="{EDGE}" y="{EDGE + (number + 1) * LINE - 4}" {style(line)}>{escape(line)}</text>'
        for number, line in enumerate(shown)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace" font-size="13" '
        f'style="white-space: pre">\n<rect width="{width}" height="{height}" rx="8" fill="{BACK}"/>\n{rows}\n</svg>\n'
    )


def style(line: str) -> str:
    words = line.split()
    if line[:1].isdigit() or words[:1] == ["$"]:
        return f'fill="{INK}" font-weight="bold"'
    if words[:1] == ["okstra:"]:
        return f'fill="{DIM}"'
    colours = {"not-found": BAD, "verified": GOOD, "verdict": GOOD}
    return f'fill="{colours.get(words[0] if words else "", INK)}"'


def picture_of_report(report: Path, program: str) -> None:
    browser = Chromium(program)
    try:
        browser.open(report, width=REPORT_WIDTH)
        browser.screenshot(PICTURES / "report.png", height=REPORT_HEIGHT)
    finally:
        browser.close()


if __name__ == "__main__":
    main()
