"""The words of a report: both languages have all of them."""

from __future__ import annotations

import pytest

from okstra_ctl.report.parts import fields_of
from okstra_ctl.settings.phases import phase_table
from okstra_ctl.system import assets
from support import schemas
from support.phases import TASK_TYPES
from support.reports import labels


def test_both_languages_have_the_same_labels() -> None:
    assert list(labels("en")) == list(labels("ko"))
    for language in ("en", "ko"):
        assert [name for name, label in labels(language).items() if not label.strip()] == []


@pytest.mark.parametrize("task_type", TASK_TYPES)
def test_every_part_of_every_phase_has_a_label(task_type: str) -> None:
    known = labels("ko")
    phase = phase_table(assets.toml("prompts", "phases.toml")).get(task_type)
    fields = fields_of(schemas.load("final-report"), task_type)
    wanted = [f"phase_{task_type}"]
    wanted += [f"word_{token}" for token in (*phase.verdict_tokens, *phase.worker_verdicts)]
    wanted += [f"word_{role}" for role in phase.roles]
    wanted += [f"field_{field.name}" for field in fields]
    wanted += [f"column_{item}" for field in fields for item in field.items]
    assert [name for name in wanted if name not in known] == []
    assert labels("en")[f"phase_{task_type}"] == phase.title


def test_every_word_of_the_records_has_a_label() -> None:
    schema = schemas.load("final-report")
    words = {word for word in _enums(schema) if word and word not in TASK_TYPES and word not in ("en", "ko")}
    assert [word for word in sorted(words) if f"word_{word}" not in labels("ko")] == []


def _enums(value: object) -> set[str]:
    if isinstance(value, dict):
        own = set(value.get("enum", ())) if isinstance(value.get("enum"), list) else set()
        return own.union(*map(_enums, value.values()))
    return set().union(*map(_enums, value)) if isinstance(value, list) else set()
