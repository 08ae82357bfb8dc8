"""The analysts' part: all at once, none seeing another's result; then each result, read and checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from ..checks.evidence import EvidenceSource, check_lines, recorded_runs
from ..proof.checkout import HEAD
from ..proof.cited_commands import Cited, Order, see_commands
from ..results.commands import Seen
from ..results.evidence import Checked
from ..results.records import Evidence, Problem, WorkerResult
from ..results.worker import check_identity, parse_worker_result
from ..runs.evidence_record import record_commands, recorded_commands
from ..settings.roster import Worker
from ..status import AnswerState
from .assignments import MAIN, Answer, Assignment
from .context import RunContext
from .dispatch import dispatch
from .dispatch_log import recalled
from .voices import voices_of


class Collected(NamedTuple):
    """Answers of all who were asked, and the results of those whose answers count, by worker id."""

    answers: tuple[Answer, ...]
    results: Mapping[str, WorkerResult]
    voices: Mapping[str, str] = MappingProxyType({})
    """The voices of those whose answers count."""

    @property
    def states(self) -> dict[str, AnswerState]:
        return {answer.worker.id: answer.state for answer in self.answers}

    @property
    def silent(self) -> int:
        """The number of workers that were asked and gave no answer that counts."""
        return sum(not answer.state.counts for answer in self.answers)


def analyse(context: RunContext, workers: Sequence[Worker]) -> Collected:
    """Dispatches workers whose product is a worker result. Raises as `dispatch`."""
    return collect(context, [result_assignment(context, worker) for worker in workers])


def collect(context: RunContext, assignments: Sequence[Assignment]) -> Collected:
    return _read_all(context, dispatch(context, assignments))


def recall(context: RunContext, assignments: Sequence[Assignment]) -> Collected:
    """The answers on disk to these assignments, without asking anybody."""
    return _read_all(context, [recalled(context, assignment) for assignment in assignments])


def _read_all(context: RunContext, answers: Sequence[Answer]) -> Collected:
    results = {one.worker.id: _read(context, one.worker, one.text)[0] for one in answers if one.text is not None}
    voices = voices_of(context, (answer.worker for answer in answers if answer.state.counts))
    return Collected(tuple(answers), results, voices)


def result_assignment(
    context: RunContext, worker: Worker, *, label: str = MAIN, prompt: str = "", result: str = ""
) -> Assignment:
    return Assignment(
        worker,
        label,
        prompt or context.files.worker_prompt(worker.id),
        result or context.files.worker_result(worker.id),
        check=lambda text: check_result(context, worker, text),
        has_findings=lambda text: bool(_read(context, worker, text)[0].findings),
        facts={"ROUND": label},
    )


def check_result(context: RunContext, worker: Worker, text: str) -> list[Problem]:
    result, problems = _read(context, worker, text)
    return [*problems, *check_identity(result.fields, task_key=str(context.id.task), worker=worker.id)]


def _read(context: RunContext, worker: Worker, text: str) -> tuple[WorkerResult, list[Problem]]:
    judges = worker.role in ("analyst", "verifier")
    verdicts = context.phase.worker_verdicts if judges else ()
    return parse_worker_result(text, verdicts=verdicts, passing=verdicts[:1])


def check_evidence(context: RunContext, cited: Iterable[Evidence], commit: str = "") -> dict[Evidence, Checked]:
    """Checks these lines against `commit`, by default the run's; a command by okstra's record of it."""
    at = commit or context.commit
    return check_lines(EvidenceSource(context.folder, at, recorded_runs(context.run, at)), cited)


def run_commands(context: RunContext, cited: Cited, commit: str, *, checkout: str = HEAD, twice: bool = False) -> None:
    """Runs these commands in a checkout of the commit, unless the run's record has them already; or `twice`.

    Raises as `proof.cited_commands.see_commands`.
    """
    known = {(one.command, one.commit): one for one in recorded_commands(context.files)}
    own = recorded_runs(context.run, commit)
    order = Order(
        *(context.run, commit, context.sandbox, context.settings.evidence, context.services),
        *(context.files.log("evidence"), context.stop),
        checkout=checkout,
        twice=twice,
        show=context.print_progress,
    )

    def record(seen: Seen) -> None:
        known[seen.command, seen.commit] = seen
        record_commands(context.files, context.id, list(known.values()))
        context.print_progress(f"cited `{seen.command}`: {seen.as_text()}")

    see_commands(order, cited, list(own.values()), record)


def cited_in(collected: Collected) -> tuple[Evidence, ...]:
    return tuple(
        line for result in collected.results.values() for finding in result.findings for line in finding.evidence
    )
