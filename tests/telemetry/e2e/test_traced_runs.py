"""Led runs whose traces go to a collector: from the sentence to the spans that arrive."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from support import schemas
from support.collector import Collector, collector
from support.loaded import loaded
from support.okstra import Ended, Project
from support.projects import registered
from support.rehearsal import events_of, finding, install, led, led_args, part, result
from support.repos import Repo
from support.sealed import sealed_environment

_CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
_ANALYST = "invoke_agent rehearsal-a"


class Traced(NamedTuple):
    failed: Ended
    resumed: Ended
    collector: Collector
    clients_saw: dict[str, str]


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    """An analysis whose second analyst can't log in, and its resumption."""
    folder = tmp_path_factory.mktemp("traced")
    (folder / "home").mkdir()
    environment = sealed_environment(folder / "home")
    project = registered(Repo.init(folder / "project", environment), environment)
    note = {"run": f'echo "$TRACEPARENT" > {folder}/$OKSTRA_WORKER_ID'}
    found = {"result": result(finding("high", "The unspeakable breaks", "README.md:1"))}
    install(
        project,
        part(note, found, worker="rehearsal-a", round=""),
        part({"fault": "login"}, worker="rehearsal-b", round="", attempt="1"),
    )
    with collector() as taken:
        failed = led(project, "error-analysis", **taken.environment, TRACEPARENT=_CALLER)
        resumed = project.okstra("resume", failed.data["run_id"], "--json", **taken.environment)
        saw = {path.name: path.read_text().strip() for path in folder.glob("rehearsal-*")}
        yield Traced(failed, resumed, taken, saw)


def test_the_runs_end_as_they_would_untraced(traced: Traced) -> None:
    assert (traced.failed.status, traced.resumed.status) == (1, 0), traced


def test_a_run_is_below_its_caller_and_a_worker_below_its_phase(traced: Traced) -> None:
    run = traced.collector.span("invoke_workflow error-analysis", outcome="failed")
    assert (run.trace, run.parent) == (_CALLER.split("-")[1], _CALLER.split("-")[2])
    phase = next(span for span in traced.collector.spans if span.name == "phase error-analysis")
    assert phase.parent == run.id
    worker = traced.collector.span(_ANALYST, label="")
    assert (worker.trace, worker.parent) == (run.trace, phase.id)
    assert worker.attributes["gen_ai.provider.name"] == "rehearsal"
    assert worker.attributes["gen_ai.response.model"] == "rehearsal"
    assert worker.status == 0


def test_a_client_is_handed_the_span_of_its_worker(traced: Traced) -> None:
    worker = traced.collector.span(_ANALYST, label="")
    assert traced.clients_saw["rehearsal-a"] == f"00-{worker.trace}-{worker.id}-01"


def test_a_failed_worker_is_an_error(traced: Traced) -> None:
    worker = traced.collector.span("invoke_agent rehearsal-b", label="", attempt=1)
    assert (worker.status, worker.message, worker.attributes["error.type"]) == (2, "login", "login")
    assert traced.collector.span("invoke_workflow error-analysis", outcome="failed").status == 2


def test_the_resumed_run_links_to_the_one_that_failed(traced: Traced) -> None:
    failed = traced.collector.span("invoke_workflow error-analysis", outcome="failed")
    resumed = traced.collector.span("invoke_workflow error-analysis", outcome="completed")
    assert resumed.links == (failed.id,)
    assert resumed.trace != failed.trace
    rows = [row for row in events_of(traced.failed) if row["event"] == "started"]
    assert [row["traceparent"].split("-")[2] for row in rows] == [failed.id, resumed.id]
    assert [schemas.faults(row, "event-row") for row in rows] == [[], []]


def test_no_word_of_the_work_is_in_a_trace(traced: Traced) -> None:
    sent = b"".join(traced.collector.bodies)
    assert b"rehearsal-a" in sent
    for secret in (b"unspeakable", b"Do the thing", b"README", bytes(Path.home()), b"/project", b"log"):
        assert secret not in sent.replace(b"login", b""), secret


def test_a_collector_that_is_not_there_changes_no_run(project: Project) -> None:
    nowhere = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    ended = led(project, "error-analysis", **nowhere)
    assert ended.status == 0, ended
    assert "okstra: traces: " in ended.stderr


def test_nothing_of_it_is_imported_unless_asked_for(project: Project) -> None:
    modules = loaded(project, *led_args(project, "error-analysis"), quiet=False, OTEL_METRICS_EXPORTER="otlp")
    assert "okstra_ctl.lead.conductor" in modules
    assert [name for name in modules if name.startswith("opentelemetry")] == []
