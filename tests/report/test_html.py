"""The page: whole in itself, the same each time, and no text in the data can be anything but text."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okstra_ctl.report.now import Now, PlanNow, TaskNow
from okstra_ctl.report.page.view import Dispatch
from okstra_ctl.report.store import html_of
from okstra_ctl.system.text import visible
from support import schemas
from support.pages import ANY_TEXT, HOSTILE, Collector
from support.phases import TASK_TYPES
from support.reports import finding, page, report, view
from support.sealed import ROOT

_HOSTILE_PAGE = "</textarea></script><script>alert(1)</script><img src=x onerror=alert(1)>\x1b[2J\u202e${x}{{y}}"


def elements(html: str) -> list[tuple[str, dict[str, str | None]]]:
    return Collector(html).elements


@pytest.mark.parametrize("task_type", TASK_TYPES)
def test_the_sample_is_a_valid_report(task_type: str) -> None:
    assert schemas.faults(report(task_type), "final-report") == []


@pytest.mark.parametrize("task_type", TASK_TYPES)
@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_page_is_made_of_every_phase_in_both_languages(task_type: str, language: str) -> None:
    html = page(report(task_type, language=language), language=language)
    names = {attributes.get("id") for _, attributes in elements(html)}
    wanted = {"verdict", "isolation", "gates", "questions", "findings", "phase", "risks", "workers", "usage"}
    assert wanted | ({"stages", "stage-1"} if task_type == "implementation-planning" else set()) <= names
    assert elements(html)[0] == ("html", {"lang": language})


def test_the_verdict_stands_first_and_the_rehearsal_above_it() -> None:
    html = page(report())
    assert html.index("This is a rehearsal") < html.index('id="verdict"') < html.index('id="isolation"')
    assert html.index('id="isolation"') < html.index('id="gates"') < html.index('id="findings"')


def test_what_waits_for_a_person_stands_before_the_findings_and_else_after_them() -> None:
    asked = page(report())
    assert asked.index('id="questions"') < asked.index('id="findings"')
    settled = page(report(clarifications=[]))
    assert settled.index('id="findings"') < settled.index('id="questions"')


def test_the_page_asks_for_nothing_and_its_policy_names_its_own_style_and_script() -> None:
    html = page(report())
    for element, attributes in elements(html):
        assert not {"src", "srcset", "data", "poster", "style"} & attributes.keys(), element
        assert not [name for name in attributes if name.startswith("on")], element
    (policy,) = [one["content"] for name, one in elements(html) if one.get("http-equiv")]
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    for name, file in (("style", "report.css"), ("script", "report.js")):
        content = (ROOT / "templates" / "reports" / file).read_bytes()
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy


def test_the_same_data_gives_the_same_page() -> None:
    assert page(report()) == page(report())


def test_every_link_leads_somewhere_in_the_page() -> None:
    found = elements(page(report("implementation-planning")))
    names = {attributes["id"] for _, attributes in found if "id" in attributes}
    targets = [attributes["href"] for name, attributes in found if name == "a" and attributes.get("href")]
    assert {target[1:] for target in targets if target and target.startswith("#")} <= names
    assert len(names) == len([1 for _, attributes in found if "id" in attributes]), "an id stands twice"


def _shape(html: str) -> list[tuple[str, tuple[str, ...]]]:
    """Elements and the names of their attributes, without what depends on a text's length or links."""
    return [(name, tuple(attributes)) for name, attributes in elements(html) if name not in ("code", "a", "text")]


@settings(max_examples=60)
@given(st.lists(ANY_TEXT | HOSTILE, min_size=1, max_size=4).map("".join), st.sampled_from(TASK_TYPES))
def test_no_text_breaks_out(said: str, task_type: str) -> None:
    """Whatever stands in the data, the page has the elements that it has for a plain word."""
    said = f"x{said}x"
    assert _shape(page(report(task_type, said), line=said)) == _shape(page(report(task_type, "word"), line="word"))


def test_hostile_text_is_shown_as_it_is() -> None:
    html = page(report(said=_HOSTILE_PAGE), line=_HOSTILE_PAGE)
    read = Collector(html)
    assert [name for name, _ in read.elements].count("script") == 1
    assert "img" not in [name for name, _ in read.elements]
    assert read.data.count(visible(_HOSTILE_PAGE)) > 20
    assert "\x1b" not in html
    assert "\u202e" not in html


@pytest.mark.parametrize(
    ("said", "links"),
    [
        ("see https://example.org/a?b=c&d.", ["https://example.org/a?b=c&d"]),
        ("(http://example.org/x)", ["http://example.org/x"]),
        ("javascript:alert(1) data:text/html,x file:///etc/passwd", []),
        ('https://example.org/"onmouseover="x', ["https://example.org/"]),
    ],
)
def test_only_addresses_of_the_web_are_links(said: str, links: list[str]) -> None:
    data = report(risks=[said])
    found = [attributes["href"] for name, attributes in elements(page(data)) if name == "a"]
    assert [href for href in found if href and not href.startswith("#")] == links


def test_a_very_long_text_is_folded_and_whole() -> None:
    said = "<long> " * 150_000
    html = page(report(findings=[finding(1, claim=said)]))
    assert len(html) > 1_000_000
    assert Collector(html).data.count("<long>") >= 150_000
    assert '<details class="long">' in html


def test_a_refuted_finding_is_no_headline() -> None:
    rows = [
        finding(1, "Refuted", severity="critical", **{"class": "refuted"}),
        finding(2, "Closed", severity="high", status="closed", closed_by="G-9"),
        finding(3, "Stands", severity="low"),
    ]
    html = page(report(findings=rows))
    card = html[html.index('id="verdict"') : html.index('id="isolation"')]
    assert '<span class="severity low">1 low</span>' in card and "2 refuted or closed" in card
    assert "critical" not in card and "severity high" not in card
    places = [html.index(f'<article id="G-00{number}"') for number in (3, 1, 2)]
    assert places == sorted(places)
    refuted = html[places[1] : places[2]]
    assert "<details open" not in refuted, "its evidence is folded"


def test_a_failed_run_shows_why_at_the_top_and_asks_for_no_approval() -> None:
    data = report("implementation-planning", findings=[], isolation={"breaches": [], "notes": [], "receipt": ""})
    data["verdict"]["approval_needed"] = False
    data["execution"][1] |= {"outcome": "error", "note": "codex is not on the PATH"}
    data["gates"] = {"analysis": {"gate": "failed", "note": "1 of 2 answered"}}
    html = page(data)
    card = html[html.index('id="verdict"') : html.index('id="gates"')]
    assert "This run failed:" in card
    assert "codex: codex is not on the PATH" in card and "analysis: 1 of 2 answered" in card
    assert "A person has to approve" not in html
    data["gates"] = {"analysis": {"gate": "passed", "note": "2 of 2 answered"}}
    assert "This run failed:" not in page(data)


def test_what_a_task_is_now_stands_on_the_card_and_settles_what_was_asked() -> None:
    data = report("implementation-planning")
    now = Now("2026-11-30T09:00:00Z", TaskNow.OPEN, PlanNow.APPROVED, 3, 2, 1, next="okstra next")
    before, after = html_of(view(data)), html_of(view(data)._replace(now=now))
    asked = "A person has to approve this plan"
    assert asked in before and 'id="now"' not in before
    assert asked not in after and "2026-11-30 09:00 UTC" in after and "<dd>2 / 3</dd>" in after
    assert ">okstra next</code>" in after
    over = html_of(view(data)._replace(now=now._replace(task=TaskNow.HANDED_OFF, next="")))
    assert "handed off" in over and "Nothing is left to do." in over


def test_a_report_of_an_earlier_version_has_its_key_as_title_and_no_date() -> None:
    html = page(report())
    assert '<h1 dir="auto">demo:core:T-1</h1>' in html
    assert "<dt>Date</dt>" not in html and 'class="request"' not in html


def test_what_okstra_saw_stands_first_and_a_report_of_an_earlier_version_says_nothing_of_it() -> None:
    found = finding(1, **{"class": "consensus"})
    assert page(report(findings=[found])).index("agreed on, not shown") < page(report(findings=[found])).index(
        "consensus<"
    )
    earlier = report(findings=[{name: value for name, value in found.items() if name != "mark"}])
    del earlier["proofs"]
    text = page(earlier)
    for absent in ("agreed on, not shown", 'name="mark"', 'id="proofs"'):
        assert absent not in text


def test_findings_are_ordered_open_first_and_gravest_first() -> None:
    rows = [
        finding(1, severity="low"),
        finding(2, severity="critical", status="closed", closed_by="commit abc"),
        finding(3, severity="critical"),
        finding(4, severity="medium"),
    ]
    html = page(report(findings=rows))
    assert re.findall(r'<article id="(G-\d+)"', html) == ["G-003", "G-004", "G-001", "G-002"]


@pytest.mark.parametrize("more", [{"usage": None}, {"findings": []}, {"gates": {}}, {"execution": []}, {"commit": ""}])
def test_what_is_missing_is_said_and_no_failure(more: dict[str, Any]) -> None:
    assert "</html>" in page(report(**more))


def test_a_citation_that_has_moved_says_where_to() -> None:
    cited = {"path": "a.py", "lines": [3, 9], "quote": "q", "status": "moved", "found_lines": [5, 5], "note": "so"}
    assert "a.py:3-9 \u2192 5" in Collector(page(report(findings=[finding(1, evidence=[cited])]))).data


def test_every_turn_stays_on_the_time_line_and_stands_in_its_table() -> None:
    turns = [Dispatch(f"w{n}", "", 1, n * 7.0, n * 31.0 if n % 4 else None, "error", "x") for n in range(70)]
    read = Collector(html_of(view(report())._replace(dispatches=turns)))
    bars = [facts for name, facts in read.elements if name == "rect" and str(facts.get("class")).startswith("bar ")]
    assert len(bars) == 60, "what is too much for a picture is in the table"
    for bar in bars:
        start, width = (float(str(bar[name]).removesuffix("%")) for name in ("x", "width"))
        assert start >= 0 and width >= 0.4 and start + width <= 100.01
    assert all(f"w{number}" in read.data for number in range(70))


def test_the_convergence_is_drawn_only_where_findings_went_round() -> None:
    rows = [finding(1), finding(2, **{"class": "refuted"})]
    names = [facts.get("id") for _, facts in elements(page(report(findings=rows)))]
    assert "convergence" in names
    parts = [str(facts["class"]) for name, facts in elements(page(report(findings=rows))) if name == "rect"]
    assert [part for part in parts if part.startswith("part ")] == [
        *("part asked", "part asked"),  # both raised by one worker; one asked about in the round
        *("part contested", "part refuted"),
    ]
    alone = [facts.get("id") for _, facts in elements(page(report(findings=[finding(1, verdicts=[])])))]
    assert "convergence" not in alone
