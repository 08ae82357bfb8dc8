"""A stage's exit check: proven before the stage is done, and run on merged commits before they count.

Where and how the check runs stands in `proof/`; here is what its outcome means for a stage.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from .. import git
from ..errors import Refused, WorkFailed
from ..git import merge
from ..output import some_of
from ..plan.model import KEPT_GREEN, NO_PROOF, Stage
from ..proof.checkout import HEAD, Checkouts, Place, checkouts
from ..proof.command import NotRun, Ran, Runner
from ..proof.rules import Outcome, kind_of
from ..proof.stage_proof import Proof, Subject, prove
from ..quoting import okstra_command
from ..runs.commands import A_DAY
from ..runs.containment import sandbox_of
from ..runs.find import KnownRun
from ..sandbox.profile import Role
from ..services import Services
from ..settings.project import load_project
from ..system import files
from ..system.secrets import hide_in_log
from ..worktrees.unsaved import how_git_shows
from .select import DoneStage

EXIT_CHECK_SCHEMA = "exit-check/1"
EXIT_CHECK_LOG = "exit-check"
_NO_TEST = "no file of this stage counts as a test; a test inside its code went with it"
Show = Callable[[str], None]
"""Shows a person what happens now."""


def silent(text: str) -> None:
    """Shows nothing."""


class DoneOverrides(NamedTuple):
    """A person's reasons to open a gate; with an empty one, the gate stays closed."""

    no_change: str = ""
    out_of_plan: str = ""
    overrule: str = ""
    """Why the stage counts though the run that okstra led did not pass its gates."""
    unproven: str = ""
    """Why it counts though its exit check passes without its code."""

    @property
    def note(self) -> str:
        return "; ".join(text for text in (self.no_change, self.out_of_plan) if text)


def reasons_of(check: Mapping[str, object], *, overrule: bool = False) -> DoneOverrides:
    """The reasons in the record of an exit check; a person's overrule of the run's gates only if asked for."""
    reasons = check.get("reasons")
    kept = reasons if isinstance(reasons, dict) else {}
    names = [name for name in DoneOverrides._fields if overrule or name != "overrule"]
    return DoneOverrides(**{name: str(kept.get(name, "")) for name in names})


def proof_of(check: Mapping[str, object]) -> str:
    """What the check showed, by its record; empty for one that an earlier okstra ran."""
    proof = check.get("proof")
    return str(proof.get("outcome", "")) if isinstance(proof, dict) else ""


class Supervision(NamedTuple):
    """How a check is watched: by a person or an agent's session; a lead gives a limit, can stop it, and reports it."""

    limit: float = A_DAY
    stop: threading.Event | None = None
    show: Show = silent
    """Shows a person that the check begins."""
    print_progress: Show = silent
    """Reports how it ended."""


def run_exit_check(
    run: KnownRun,
    stage: Stage,
    commits: tuple[str, str],
    options: DoneOverrides,
    services: Services,
    watch: Supervision,
    notes: tuple[str, ...],
) -> Proof:
    """Proves the stage between its base and head `commits`, both empty without git; writes the record.

    Raises WorkFailed (`exit-check-failed`, `stage-unproven`), and as `Checkouts.at`.
    """
    log = run.files.log(EXIT_CHECK_LOG)
    files.open_log(log, anew=True).close()
    sandbox = sandbox_of(run.project.root, services)
    runner = Runner(run.project.root, services, sandbox, str(run.id), log, run, watch.stop)
    watch.show(f"exit check `{stage.exit_check}`; its output: {log}")
    base, head = commits
    proof = stage.proof
    if options.no_change and base == head:
        proof = f"{NO_PROOF}: {options.no_change}"
    try:
        seen = _prove(Subject(stage, base, head, proof), run, runner, watch)
    finally:
        hide_in_log(log)
    where = f"; log: {log}" if seen.outcome in (Outcome.BROKEN, Outcome.UNPROVEN) else ""
    doubt = f" ({seen.doubt})" if seen.doubt else ""
    watch.print_progress(f"check `{stage.exit_check}`: {shown_exit(seen.head)}, {seen.outcome}{doubt}{where}")
    record = {
        "schema": EXIT_CHECK_SCHEMA,
        "command": stage.exit_check,
        "commit": head,
        "exit": seen.head.exit,
        "proof": seen.to_json(),
        "log": log,
        "reasons": options._asdict(),
    }
    files.replace_json(run.files.exit_check, record)
    _require(seen, stage, options, run, runner, notes)
    return seen


def _prove(subject: Subject, run: KnownRun, runner: Runner, watch: Supervision) -> Proof:
    services = runner.services
    repository = git.discover(run.project.root) if subject.head else None
    if repository is None:  # without git there is nothing to compare with
        ran = runner.run_in(Place(run.folder), subject.stage.exit_check, Role.CHECK, limit=watch.limit)
        return Proof(Outcome.NONE if ran.green else Outcome.BROKEN, ran)
    project = load_project(run.project.root, services)
    show = watch.print_progress if watch.show is silent else watch.show
    key, log = run.id.task, runner.log
    with checkouts(project, repository, key, services, log_path=log, stop=watch.stop, show=show) as places:
        return prove(subject, places, runner, project.config, repository.top, watch.limit)


def shown_exit(ran: Ran) -> str:
    if ran.why is NotRun.TIME_LIMIT:
        return f"stopped after {ran.seconds:.0f} s"
    return f"exit {ran.exit}"


def _require(
    seen: Proof, stage: Stage, options: DoneOverrides, run: KnownRun, runner: Runner, notes: tuple[str, ...]
) -> None:
    """Raises WorkFailed for an outcome by which the stage is not done."""
    if seen.outcome is Outcome.BROKEN:
        ended = f"ended with {seen.head.exit}" if seen.head.exit is not None else f"was {shown_exit(seen.head)}"
        raise WorkFailed(
            "exit-check-failed",
            "; ".join([f"the exit check `{stage.exit_check}` {ended}", *notes]),
            where=runner.log,
            hint=_hint(
                seen, run, runner, "fix the stage, then `okstra stage done` again; nothing was recorded as done"
            ),
        )
    if seen.outcome is Outcome.UNPROVEN and not options.unproven:
        word = okstra_command("stage", "done", "--run", run.id, "--unproven", "WHY")
        raise WorkFailed(
            "stage-unproven",
            "; ".join([_what_is_unproven(seen, stage), *notes]),
            where=runner.log,
            hint=_hint(seen, run, runner, f"nothing was recorded as done; a person who answers for it: {word}"),
            data={"proof": dict(seen.to_json())},
        )


def _what_is_unproven(seen: Proof, stage: Stage) -> str:
    check = f"the exit check `{stage.exit_check}`"
    if seen.base is not None and seen.base.exit is None:
        return f"{check} did not end without this stage's code, so it shows nothing"
    if seen.base is not None and not seen.base.green:
        kept = f" with its new tests ({some_of(seen.tests)})" if seen.tests else ""
        return f"{check} is not green at the stage's base{kept}, and the plan says that it stays green"
    if kind_of(stage.proof) == KEPT_GREEN:
        return f"{check} did not run at the stage's base"
    kept = f"kept as tests: {some_of(seen.tests)}" if seen.tests else _NO_TEST
    if seen.base is None:
        return f"the stage changes no code ({kept}), so {check} can't fail without it; its plan should say `none: WHY`"
    return f"{check} passes without this stage's code; {kept}"


def _hint(seen: Proof, run: KnownRun, runner: Runner, step: str) -> str:
    """What to look at: what was found that leads elsewhere, else what the check itself may lack."""
    if seen.causes:
        what = f"{'; '.join(seen.causes)}: does the check run the code of its own checkout? `worktreeSetup` in "
        what += ".okstra/project.json can install it in each"
    elif seen.outcome is Outcome.BROKEN:
        what = "it ran in a fresh checkout of the stage's last commit" if run.base_commit else ""
    elif seen.base is not None and seen.base.green:
        what = "does it import from this checkout, and would a test of it fail without the code?"
    else:
        what = "see how it ended there"
    open_to = "" if runner.sandbox.contains or not seen.causes else " (checks are not contained here)"
    return "; ".join(filter(None, [what + open_to, step]))


def check_unmoved(worktree: str, head: str) -> None:
    """The check counts for the commit that it ran at: what git tracks in the worktree is still that."""
    now = git.resolve(worktree, "HEAD")
    if now != head or git.tracked_changes(worktree):
        raise Refused(
            "head-moved",
            "commits or tracked files changed while the exit check ran",
            where=worktree,
            hint="call it again" + how_git_shows(worktree, git.dirty_files(worktree)),
        )


class Check(NamedTuple):
    """One exit check at one commit."""

    stage: int
    command: str
    status: int


class Link(NamedTuple):
    """One step of the merge chain: the stage, and the commit that has it and all before it."""

    done: DoneStage
    commit: str


class CheckRunner(NamedTuple):
    """Runs exit checks at merged commits; the log has everything they print."""

    places: Checkouts
    runner: Runner
    top: str
    """The main checkout, for merges in git's object store."""
    show: Show

    def run(self, done: DoneStage, commit: str) -> Check:
        """The stage's exit check at that commit."""
        self.show(f"exit check of stage {done.stage}: `{done.exit_check}`")
        title = f"stage {done.stage} at {commit[:12]}"
        ran = self.runner.run_in(self.places.at(HEAD, commit), done.exit_check, Role.CHECK, title=title)
        status = 1 if ran.exit is None else ran.exit
        if status != 0:
            self.show(f"exit check of stage {done.stage} at {commit[:12]}: exit {status}; log: {self.runner.log}")
        return Check(done.stage, done.exit_check, status)


def culprits(runner: CheckRunner, red: DoneStage, chain: Sequence[Link]) -> tuple[int, ...]:
    """The stage, or pair of stages, that makes the check fail: the first link at which it fails, and its partner.

    Returns one number when that stage alone is enough, two when it takes both; never none.
    """
    begin = next(index for index, link in enumerate(chain) if link.done.stage == red.stage)
    bringer = next((link for link in chain[begin:] if runner.run(red, link.commit).status != 0), chain[-1])
    if bringer.done.stage != red.stage:
        return (bringer.done.stage, red.stage)
    for link in chain[:begin]:
        if _red_together(runner, red, link.done):
            return (link.done.stage, red.stage)
    return (red.stage,)


def _red_together(runner: CheckRunner, red: DoneStage, other: DoneStage) -> bool:
    merged = merge.merge_tree(runner.top, red.commit, other.commit)
    if merged.conflicts:
        return False
    commit = merge.commit_merge(runner.top, merged.tree, [red.commit, other.commit], "okstra: a pair of stages, tried")
    return runner.run(red, commit).status != 0
