"""Who works in a run."""

from __future__ import annotations

import pytest

from okstra_ctl.errors import UsageError
from okstra_ctl.settings.phases import Phase
from okstra_ctl.settings.roster import (
    RosterOptions,
    Worker,
    delivers_by_message,
    is_custom,
    report_writer_note,
    roster,
)
from okstra_ctl.status import Access

_KNOWN = {"claude": "sonnet", "codex": "gpt", "gemini": "flash", "rehearsal": "rehearsal", "report-writer": "opus"}


def _phase(*roles: str, workers: tuple[str, ...] = ("claude", "codex")) -> Phase:
    return Phase("some-phase", "T", "S", (), "none", (), (), "", ("ok",), (), roles, workers, 2, False, 1, 2, "feature")


_ANALYSIS = _phase("analyst", "report-writer", "critic")
_IMPLEMENTATION = _phase("executor", "verifier", "report-writer")


def _roster(phase: Phase, **options: object) -> list[tuple[str, str, str]]:
    found = roster(phase, RosterOptions(**options), _KNOWN.__getitem__)  # type: ignore[arg-type]
    return [(worker.id, worker.role, worker.provider) for worker in found]


def test_analysis_by_default() -> None:
    assert roster(_ANALYSIS, RosterOptions(), _KNOWN.__getitem__) == (
        Worker("claude", "analyst", "claude", "sonnet"),
        Worker("codex", "analyst", "codex", "gpt"),
        Worker("report-writer", "report-writer", "claude", "opus"),
    )


def test_implementation_by_default() -> None:
    assert _roster(_IMPLEMENTATION) == [
        ("claude-executor", "executor", "claude"),
        ("claude-verifier", "verifier", "claude"),
        ("codex-verifier", "verifier", "codex"),
        ("report-writer", "report-writer", "claude"),
    ]


def test_workers_that_were_asked_for_once_each() -> None:
    assert _roster(_ANALYSIS, workers=("gemini", "claude", "gemini"))[:-1] == [
        ("gemini", "analyst", "gemini"),
        ("claude", "analyst", "claude"),
    ]


def test_an_executor_is_among_the_verifiers() -> None:
    assert _roster(_IMPLEMENTATION, executor="gemini") == [
        ("gemini-executor", "executor", "gemini"),
        ("claude-verifier", "verifier", "claude"),
        ("codex-verifier", "verifier", "codex"),
        ("gemini-verifier", "verifier", "gemini"),
        ("report-writer", "report-writer", "claude"),
    ]


@pytest.mark.parametrize("phase", [_ANALYSIS, _IMPLEMENTATION])
def test_one_provider_for_all(phase: Phase) -> None:
    assert {provider for _, _, provider in _roster(phase, provider="rehearsal")} == {"rehearsal"}


def test_a_critic_comes_when_asked_for() -> None:
    assert _roster(_ANALYSIS, critic="gemini")[-1] == ("critic", "critic", "gemini")
    assert _roster(_ANALYSIS, critic="off") == _roster(_ANALYSIS)


@pytest.mark.parametrize("phase", [_ANALYSIS, _IMPLEMENTATION])
def test_worker_ids_name_files_so_they_differ(phase: Phase) -> None:
    ids = [worker_id for worker_id, _, _ in _roster(phase, workers=("claude", "codex", "gemini", "claude"))]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("phase", "options"),
    [
        (_ANALYSIS, {"workers": ("claude", "grok")}),
        (_ANALYSIS, {"provider": "grok"}),
        (_ANALYSIS, {"workers": ("claude",), "provider": "grok"}),
        (_ANALYSIS, {"critic": "grok"}),
        (_ANALYSIS, {"executor": "claude"}),
        (_IMPLEMENTATION, {"executor": "grok"}),
        (_IMPLEMENTATION, {"critic": "claude"}),
    ],
    ids=str,
)
def test_what_does_not_exist_is_refused(phase: Phase, options: dict[str, object]) -> None:
    with pytest.raises(UsageError) as refused:
        _roster(phase, **options)
    assert refused.value.code == "unknown-worker"


def test_a_rehearsal_plays_two_parts_and_every_other_provider_one() -> None:
    assert [name for name, role, _ in _roster(_ANALYSIS, provider="rehearsal") if role == "analyst"] == [
        "rehearsal-a",
        "rehearsal-b",
    ]
    assert [name for name, role, _ in _roster(_ANALYSIS, provider="codex") if role == "analyst"] == ["codex"]
    assert [
        name for name, role, _ in _roster(_ANALYSIS, provider="rehearsal", workers=("codex",)) if role == "analyst"
    ] == ["codex"]


@pytest.mark.parametrize(
    ("provider", "closed_reader"), [("claude", False), ("codex", True), ("gemini", True), ("rehearsal", False)]
)
def test_a_client_that_can_write_no_file_delivers_by_its_message(provider: str, closed_reader: bool) -> None:
    for access in Access:
        assert delivers_by_message(provider, access) is (closed_reader and access is Access.READ)
        assert delivers_by_message("acp:mine", access)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"workers": ("codex", "gemini")}, "codex"),
        ({"workers": ("gemini",)}, "gemini"),
        ({"workers": ("claude", "codex")}, ""),
        ({"workers": ("rehearsal",)}, ""),
        ({"workers": ("codex",), "report_writer": "gemini"}, ""),
        ({"provider": "codex"}, ""),
        ({}, ""),
    ],
)
def test_who_chose_workers_but_no_report_writer_hears_who_writes(options: dict[str, object], named: str) -> None:
    chosen = RosterOptions(**options)  # type: ignore[arg-type]
    workers = roster(_ANALYSIS, chosen, _KNOWN.__getitem__)
    notes = report_writer_note(workers, chosen.workers, chosen.report_writer)
    assert [note.split()[0] for note in notes] == ([named] if named else [])
    assert report_writer_note([], chosen.workers, "") == ()


def test_a_custom_model_has_a_name() -> None:
    assert is_custom("custom:x")
    assert not is_custom("custom:") and not is_custom("x")
