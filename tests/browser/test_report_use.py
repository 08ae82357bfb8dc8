"""What a person does with a report's page: filter, copy, answer, get about by keyboard."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from okstra_ctl.runs.user_response import AnsweredQuestion, parse_user_response
from support.chromium import Chromium
from support.reports import finding, question, report

Write = Callable[..., Path]
TAB, ENTER = ("Tab", 9), ("Enter", 13)
FOCUSED = "(() => { const at = document.activeElement; return at.id || at.name || at.textContent.slice(0, 40); })()"
VISIBLE = "Array.from(document.querySelectorAll('article.finding')).filter((at) => !at.hidden).map((at) => at.id)"


def test_findings_are_filtered_by_severity_class_status_and_text(chromium: Chromium, write: Write) -> None:
    rows = [
        finding(1, "Alpha", severity="critical"),
        finding(2, "Beta", severity="low", mark="shown", **{"class": "consensus"}),
        finding(3, "Gamma alpha", severity="low", status="closed", closed_by="commit abc"),
    ]
    chromium.open(write(report(findings=rows)))

    def after(action: str) -> list[str]:
        chromium.ask(f"(() => {{ const form = document.getElementById('finding-filter'); {action} }})()")
        chromium.ask("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        shown: list[str] = chromium.ask(VISIBLE)
        return shown

    heard = "form.dispatchEvent(new Event('input', { bubbles: true }));"
    assert after("") == ["G-001", "G-002", "G-003"]
    assert after("form.querySelector('[value=critical]').click();") == ["G-002", "G-003"]
    assert after(f"form.elements.mark.value = 'shown'; {heard}") == ["G-002"]
    assert after(f"form.elements.mark.value = ''; form.elements.class.value = 'consensus'; {heard}") == ["G-002"]
    assert after(f"form.elements.class.value = ''; form.elements.status.value = 'closed'; {heard}") == ["G-003"]
    assert after(f"form.elements.status.value = ''; form.elements.text.value = 'ALPHA  gamma'; {heard}") == ["G-003"]
    assert after(f"form.elements.text.value = 'nothing such'; {heard}") == []
    assert chromium.ask("document.getElementById('finding-count').textContent") == "0 / 3"


def test_the_next_command_is_copied_whole(chromium: Chromium, write: Write) -> None:
    data = report()
    data["verdict"]["next_step"] = "okstra run --task-key 'a b' <x>"
    chromium.open(write(data))
    catch = "navigator.clipboard.writeText = async (text) => { window.copied = text; };"
    chromium.ask(f"{catch} document.querySelector('#verdict .copy').click()")
    assert chromium.ask("window.copied") == "okstra run --task-key 'a b' <x>"


def exported(chromium: Chromium) -> Path:
    limit = time.monotonic() + 10
    while time.monotonic() < limit:
        done = [path for path in chromium.downloads.iterdir() if path.suffix == ".md"]
        if done:
            return done[0]
        time.sleep(0.05)
    raise AssertionError("nothing was downloaded")


def test_answers_are_exported_as_the_next_run_takes_them(chromium: Chromium, write: Write) -> None:
    rows = [question(1, "Web\nor API?"), question(2, "How <b>long</b>?"), question(3, "Not asked", status="resolved")]
    chromium.open(write(report(clarifications=rows)))
    chromium.ask("document.getElementById('export-answers').click()")
    assert chromium.ask("document.getElementById('answers-told').textContent") == "There is no answer yet."
    said = 'Both.\n## C-002\n> "quoted" & \\ — 그래'
    chromium.ask("document.getElementById('answer-C-001').focus()")
    chromium.type(said)
    chromium.ask("document.getElementById('export-answers').click()")
    path = exported(chromium)
    assert path.name == "user-response-error-analysis-001.md"
    read = parse_user_response(path.read_text(encoding="utf-8"))
    assert (read.task_key, read.run) == ("demo:core:T-1", "demo:core:T-1/error-analysis/001")
    assert read.answers == (AnsweredQuestion("C-001", "Web\nor API?", said),)
    assert chromium.complaints == []


def test_everything_that_can_be_used_is_reached_by_keyboard_in_reading_order(chromium: Chromium, write: Write) -> None:
    chromium.open(write(report("implementation-planning")))
    wanted = chromium.ask(
        "Array.from(document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex=\"0\"]'))"
        ".filter((at) => at.checkVisibility()).length"
    )
    reached = []
    for _ in range(wanted + 5):
        chromium.press(*TAB)
        place = chromium.ask(
            "(() => { const at = document.activeElement; if (at === document.body) return null;"
            "return Array.from(document.querySelectorAll('*')).indexOf(at); })()"
        )
        if place is None:
            break
        reached.append(place)
    assert reached == sorted(reached)
    assert len(set(reached)) >= wanted


def test_what_has_the_focus_can_be_seen(chromium: Chromium, write: Write) -> None:
    chromium.open(write(report()))
    chromium.press(*TAB)
    assert chromium.ask(FOCUSED) == "Skip to the report"
    assert chromium.ask("document.activeElement.getBoundingClientRect().left") >= 0
    for _ in range(3):
        chromium.press(*TAB)
        style = "getComputedStyle(document.activeElement).outlineStyle"
        assert chromium.ask(style) == "solid"


def test_the_skip_link_and_a_fold_work_by_keyboard(chromium: Chromium, write: Write) -> None:
    chromium.open(write(report()))
    chromium.press(*TAB)
    chromium.press(*ENTER)
    assert chromium.ask("document.activeElement.id") == "main"
    chromium.ask("document.querySelector('#workers summary').focus()")
    chromium.press(*ENTER)
    assert chromium.ask("document.querySelector('#workers details').open") is True


def test_a_link_into_a_finding_leads_there(chromium: Chromium, write: Write) -> None:
    rows = [finding(number, severity="low") for number in range(1, 200)]
    chromium.open(write(report(findings=rows)))
    chromium.ask("location.hash = '#G-150'")
    chromium.ask("new Promise((done) => setTimeout(done, 300))")
    top = chromium.ask("document.getElementById('G-150').getBoundingClientRect().top")
    assert -5 <= top <= 900
