"""The analysts' part: all at once, none seeing another's result; then what each left, read and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..checks.evidence import Place, check_findings, recorded_runs
from ..results import identity
from ..results.evidence import Checked
from ..results.records import Evidence, Problem, WorkerResult
from ..results.worker import parse_worker_result
from ..settings.roster import Worker
from ..status import AnswerState
from .assignments import MAIN, Answer, Assignment
from .context import Scene
from .dispatch import dispatch
from .dispatch_log import recalled


class Collected(NamedTuple):
    """Answers of all who were asked, and the results of those whose answers count, by worker id."""

    answers: tuple[Answer, ...]
    results: Mapping[str, WorkerResult]

    @property
    def states(self) -> dict[str, AnswerState]:
        return {answer.worker.id: answer.state for answer in self.answers}

    @property
    def voices(self) -> dict[str, str]:
        """The voices of those whose answers count."""
        return {answer.worker.id: answer.worker.voice for answer in self.answers if answer.state.counts}

    @property
    def silent(self) -> int:
        """How many were asked and gave no answer that counts."""
        return sum(not answer.state.counts for answer in self.answers)


def analyse(scene: Scene, workers: Sequence[Worker]) -> Collected:
    """Dispatches workers whose product is a worker result. Raises as `dispatch`."""
    return collect(scene, [result_assignment(scene, worker) for worker in workers])


def collect(scene: Scene, assignments: Sequence[Assignment]) -> Collected:
    return _read_all(scene, dispatch(scene, assignments))


def recall(scene: Scene, assignments: Sequence[Assignment]) -> Collected:
    """What stands on disk of these, without asking anybody."""
    return _read_all(scene, [recalled(scene, assignment) for assignment in assignments])


def _read_all(scene: Scene, answers: Sequence[Answer]) -> Collected:
    results = {one.worker.id: _read(scene, one.worker, one.text)[0] for one in answers if one.text is not None}
    return Collected(tuple(answers), results)


def result_assignment(
    scene: Scene, worker: Worker, *, label: str = MAIN, prompt: str = "", result: str = ""
) -> Assignment:
    return Assignment(
        worker,
        label,
        prompt or scene.files.worker_prompt(worker.id),
        result or scene.files.worker_result(worker.id),
        check=lambda text: check_result(scene, worker, text),
        has_findings=lambda text: bool(_read(scene, worker, text)[0].findings),
        facts={"ROUND": label},
    )


def check_result(scene: Scene, worker: Worker, text: str) -> list[Problem]:
    result, problems = _read(scene, worker, text)
    return [*problems, *check_identity(scene, worker, result.fields)]


def check_identity(scene: Scene, worker: Worker, fields: Mapping[str, str]) -> list[Problem]:
    return identity.check_identity(fields, task_key=str(scene.id.task), worker=worker.id)


def _read(scene: Scene, worker: Worker, text: str) -> tuple[WorkerResult, list[Problem]]:
    judges = worker.role in ("analyst", "verifier")
    verdicts = scene.phase.worker_verdicts if judges else ()
    return parse_worker_result(text, verdicts=verdicts, passing=verdicts[:1])


def check_results(scene: Scene, collected: Collected, commit: str = "") -> Mapping[Evidence, Checked]:
    """What was found of every line of evidence. `commit` is looked into; by default the run's."""
    findings = [finding for result in collected.results.values() for finding in result.findings]
    return check_findings(Place(scene.folder, commit or scene.commit, recorded_runs(scene.run)), findings)
