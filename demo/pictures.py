"""The pictures of the README and the pages: real plays at a terminal, and their pages in a browser, light and dark.

`make pictures` writes to `docs/pictures/`: `quick-start.svg` (what the tutorial shows, typed by a test), `terminal.svg`
and `report*.png` (the demo), `board*.png` (a stage that is being built while another waits).
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
SECTION = re.compile(r"^2\. .*?(?=^3\. )", re.MULTILINE | re.DOTALL)
COLUMNS, LINE, CHARACTER, EDGE = 118, 17, 7.83, 18
REPORT, BOARD = (1100, 1240), (1100, 1010)
INK, DIM, GOOD, BAD, BACK = "#d8dee9", "#8b95a5", "#8fbf7f", "#e07a70", "#1f2430"

sys.path.insert(0, str(ROOT / "tests"))

from support.chromium import Chromium, find
from support.live_runs import LiveRun
from support.okstra import Okstra, Project
from support.plans import plan_text
from support.played import shown_in
from support.rehearsal import install, part
from support.repos import Repo
from support.sealed import sealed_environment

QUICK_START = ("okstra init", "okstra run", "okstra next")
TITLES = {1: "Read the numbers as they are", 2: "Add them up from the first one", 3: "Show the sum on the page"}


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
    picture(Path(report[1]), "report", REPORT, browser)
    shutil.rmtree(place[1])
    (PICTURES / "quick-start.svg").write_text(terminal(quick_start()), encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        picture(board(Path(folder)), "board", BOARD, browser)


def quick_start() -> list[str]:
    """The first steps of the tutorial, up to the question whether the plan may be built."""
    rows = shown_in((ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8"))
    first = [row for row in rows if row.command.startswith(QUICK_START)][:4]
    return [line for row in first for line in (f"$ {row.command}", *row.output.rstrip().split("\n"), "")][:-1]


def board(folder: Path) -> Path:
    """The page of a task of three stages: one done, one that an agent builds right now, one that waits for both."""
    (folder / "home").mkdir()
    environment = sealed_environment(folder / "home")
    repo = Repo.init(folder / "sums", environment)
    okstra = Okstra(environment, repo.path)
    okstra.ok("setup", "--project-id", "demo", "--yes")
    project = Project(repo, okstra)
    plan = plan_text({1: (), 2: (), 3: (1, 2)})
    for number, title in TITLES.items():
        plan = plan.replace(f"Part {number}", title)
    project.adopt_text(plan)
    project.finish(project.run_stage("1"))
    install(project, part({"say": "tests/test_sums.py: 3 passed"}, {"fault": "hang"}, role="executor"))
    run = LiveRun.start(project, "implementation", "--stage", "2")
    try:
        run.wait_for_event("dispatched")
        run.wait_for_processes(1)
        page = folder / "board.html"
        okstra.ok("board", "--html", page)
    finally:
        os.kill(run.process.pid, signal.SIGINT)
        run.process.wait(60)
        run.wait_until_nothing_is_left(60)
    return page


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


def picture(page: Path, name: str, size: tuple[int, int], program: str) -> None:
    """Of the page, light and dark."""
    browser = Chromium(program)
    try:
        for dark, suffix in ((False, ""), (True, "-dark")):
            browser.open(page, width=size[0], dark=dark)
            browser.screenshot(PICTURES / f"{name}{suffix}.png", height=size[1])
    finally:
        browser.close()


if __name__ == "__main__":
    main()
