"""Rehearsal scripts: what they may contain, which part is played, and what its placeholders become."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.agents.providers import Rehearsal
from okstra_ctl.agents.rehearsal_player import load
from okstra_ctl.agents.rehearsal_script import anchors, expand, parse_script, part_for
from okstra_ctl.errors import UsageError
from okstra_ctl.results.worker import parse_answers, parse_executor_result, parse_worker_result
from okstra_ctl.status import Failure
from okstra_ctl.system.text import UnknownPlaceholder


def script(*steps: object, **matches: object) -> dict[str, Any]:
    return {"part": [{**matches, "steps": list(steps)}]}


@pytest.mark.parametrize(
    "step",
    [
        {"edit": {"path": "a/b.py", "find": "x", "replace": "y"}},
        {"write": {"path": "b", "content": ""}},
        {"run": "make"},
        {"run": "make", "exit": 2},
        {"commit": "test(x): y"},
        {"result": "…"},
        {"audit": "…"},
        {"report": {"verdict": {"token": "done"}}},
        {"say": "hello"},
        {"wait": 0.5},
        {"fault": "hang"},
        {"fault": "rate-limit", "after": 1},
    ],
)
def test_a_step_is_read(step: dict[str, object]) -> None:
    part = parse_script(script(step), where="x")[0]
    assert part.steps[0].kind == next(iter(step))
    assert part.steps[0].value == next(iter(step.values()))


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({}, "list of [[part]]"),
        ({"part": {}}, "list of [[part]]"),
        ({"part": [], "parts": 1}, "parts is not known"),
        ({"part": [1]}, "part 1 is not a table"),
        ({"part": [{"steps": []}]}, "part 1 has no steps"),
        ({"part": [{"steps": [{"say": "x"}]}, {"phase": "x"}]}, "part 2 has no steps"),
        (script({"say": "x"}, colour="red"), "part 1 has 'colour'"),
        (script({"say": "x"}, stage=[1.5]), "part 1: stage"),
        (script({"sing": "x"}), "part 1, step 1"),
        (script("say"), "part 1, step 1"),
        (script({"say": "x", "run": "y"}), "part 1, step 1"),
        (script({"say": "x"}, {"say": 1}), "part 1, step 2: say has a value of another kind"),
        (script({"wait": True}), "wait has a value of another kind"),
        (script({"edit": {"path": "a", "find": "b"}}), "lacks replace"),
        (script({"write": {"path": "/etc/passwd", "content": ""}}), "not one inside the worktree"),
        (script({"write": {"path": "a/../../b", "content": ""}}), "not one inside the worktree"),
        (script({"fault": "sulk"}), "there is no fault 'sulk'"),
        (script({"say": "x", "exit": 1}), "beside say: 'exit' is not known"),
        (script({"run": "x", "exit": "1"}), "exit has a value of another kind"),
    ],
)
def test_what_is_wrong_is_named(document: object, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_script(document, where="script.toml")
    assert raised.value.code == "bad-config"
    assert said in raised.value.message
    assert raised.value.where == "script.toml"


def test_the_first_part_that_fits_is_played() -> None:
    parts = parse_script(
        {
            "part": [
                {"role": "analyst", "attempt": 1, "steps": [{"say": "one"}]},
                {"role": ["analyst", "critic"], "steps": [{"say": "two"}]},
            ]
        },
        where="x",
    )
    said = [
        part and part.steps[0].value
        for part in (
            part_for(parts, {"role": "analyst", "attempt": "1"}),
            part_for(parts, {"role": "analyst", "attempt": "2"}),
            part_for(parts, {"role": "critic"}),
            part_for(parts, {"role": "executor"}),
        )
    ]
    assert said == ["one", "two", "two", None]


def test_the_prompts_anchor_lines_are_read() -> None:
    prompt = "# A\n\n**Model:** claude, opus\n**Result path:** `/a b/c.md`\n**Worktree:** `/w` on `b`, base `c`\ntext"
    assert anchors(prompt) == {"MODEL": "claude, opus", "RESULT_PATH": "/a b/c.md", "WORKTREE": "/w"}


def test_text_is_filled_and_repeated() -> None:
    values = {"ITEMS": "G-001, G-002\nG-003", "WHO": "{{ITEMS}}", "NONE": ""}
    assert expand("a {{WHO}}\n{{EACH ITEMS}}\n- {{ITEM}} {{WHO}}\n{{END}}\nz", values) == (
        "a {{ITEMS}}\n- G-001 {{ITEMS}}\n- G-002 {{ITEMS}}\n- G-003 {{ITEMS}}\nz"
    )
    assert expand("{{EACH NONE}}x{{END}}", values) == ""
    for text in ("{{LOST}}", "{{EACH LOST}}x{{END}}", "{{EACH ITEMS}}{{LOST}}{{END}}"):
        with pytest.raises(UnknownPlaceholder):
            expand(text, values)


def built_in(**facts: str) -> str:
    """The result that the built-in script writes for a dispatch."""
    parts, _ = load("")
    part = part_for(parts, facts)
    assert part is not None
    texts = [step.value for step in part.steps if step.kind == "result"]
    values = {"TASK_KEY": "demo:a:b", "PHASE": facts.get("phase", ""), "WORKER_ID": "w", "COMMIT": "c", "HEAD": "h"}
    return expand(texts[0], {**values, "ITEMS": "G-001 G-002", "STEPS": "1 2 3"})


PHASES = ("requirements-discovery", "improvement-discovery", "error-analysis", "implementation-planning")


@pytest.mark.parametrize("role", ["analyst", "critic"])
@pytest.mark.parametrize("phase", PHASES)
def test_the_built_in_result_is_valid(phase: str, role: str) -> None:
    result, problems = parse_worker_result(built_in(phase=phase, role=role))
    assert (result.findings, problems) == ((), [])


def test_the_built_in_verdicts_are_valid() -> None:
    for phase, role, verdicts in (
        ("implementation", "verifier", ("pass", "fail")),
        ("final-verification", "analyst", ("accepted", "conditional-accept", "blocked")),
    ):
        result, problems = parse_worker_result(
            built_in(phase=phase, role=role), verdicts=verdicts, passing=verdicts[:1]
        )
        assert (result.verdict, problems) == (verdicts[0], [])


def test_the_built_in_answers_and_steps_are_valid() -> None:
    answers, problems = parse_answers(
        built_in(phase="error-analysis", role="analyst", round="1"), items=("G-001", "G-002")
    )
    assert ([str(answer.verdict) for answer in answers], problems) == (["AGREE", "AGREE"], [])
    _, wrong = parse_executor_result(built_in(phase="implementation", role="executor"), steps=(1, 2, 3))
    assert wrong == []


@given(st.binary(max_size=300), st.one_of(st.none(), st.integers(-20, 255)))
def test_any_stream_is_heard_without_an_error(stream: bytes, status: int | None) -> None:
    result = Rehearsal().read_stream(stream, stream, status)
    assert not result.ended or b"result" in stream


@pytest.mark.parametrize(
    ("event", "status", "failure"),
    [
        ({"status": "completed"}, 0, Failure.NONE),
        ({"status": "completed"}, None, Failure.NONE),
        ({"status": "completed"}, 1, Failure.CLIENT),
        ({}, 0, Failure.CLIENT),
        ({"status": "failed", "failure": "rate-limit"}, 1, Failure.RATE_LIMIT),
        ({"status": "failed", "failure": "nonsense"}, 1, Failure.CLIENT),
    ],
)
def test_the_result_event_decides(event: dict[str, object], status: int | None, failure: Failure) -> None:
    line = json.dumps({"type": "result", **event}).encode()
    for stream in (line, b"garbage\n" + line + b"\n{"):
        result = Rehearsal().read_stream(stream, b"", status)
        assert (result.ended, result.failure, result.model) == (True, failure, "rehearsal")
    for cut in range(len(line)):
        assert not Rehearsal().read_stream(line[:cut], b"", status).ended
