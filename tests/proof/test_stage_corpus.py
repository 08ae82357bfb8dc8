"""Seeded small stages: none that only looks done is recorded as done, and sound ones are not refused."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from support.okstra import Project
from support.stage_corpus import BROKEN_KINDS, LANGUAGES, SOUND, UNPROVEN_KINDS, Sample, corpus
from support.stage_corpus_run import play

SEED = 20261130
COUNT, PART = 200, 20


def test_the_corpus_has_every_kind_in_every_language_and_is_the_same_for_a_seed() -> None:
    samples = corpus(COUNT, SEED)
    kinds = {(one.language, one.kind) for one in samples}
    assert kinds == {(language, kind) for language in LANGUAGES for kind in (*UNPROVEN_KINDS, *BROKEN_KINDS, *SOUND)}
    assert samples == corpus(COUNT, SEED) != corpus(COUNT, SEED + 1)
    assert sum(one.sound for one in samples) == 80


def _judge(project: Project, samples: Sequence[Sample]) -> None:
    found = play(project, samples)
    wrong = [(one.sample.name, one.outcome, one.done, one.said) for one in found if not one.right]
    assert wrong == []
    believed = [one for one in found if not one.sample.sound and one.alone]
    assert believed, "the exit check alone sees all that is wrong: this corpus shows nothing"


def test_none_of_ten_stages_that_look_done_is_recorded_and_no_sound_one_refused(project: Project) -> None:
    _judge(project, corpus(10, SEED))


@pytest.mark.stress
@pytest.mark.parametrize("part", range(COUNT // PART))
def test_none_of_two_hundred_stages_that_look_done_is_recorded(project: Project, part: int) -> None:
    _judge(project, corpus(COUNT, SEED)[part * PART : (part + 1) * PART])
