"""A task's claims at the git remote, as this machine makes them (docs/design/claims-between-machines.md).

Who claims a stage writes an intent into its own registry first, with a fresh token; then it claims at the remote, then
activates. So a claim of this machine whose token its registry does not have is nobody's (`view.orphans`): the next
claim gives it back, in the same change.

Nothing here is called under a lock: the network is waited for.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..claims.ledger_rows import LedgerRow, ids_of, started_row
from ..claims.registry_document import StageClaim
from ..errors import Refused
from ..git.transport import bring_commits
from ..names import StageKey, TaskKey
from ..quoting import okstra_command
from ..remote import lease
from ..remote.exchange import Change, Exchange, Seen
from ..remote.lease_rules import BEATS_IN_A_LEASE, INTEGRATION, lapsed
from ..remote.shared_task import (
    Approval,
    Claim,
    Holder,
    SharedTask,
    Takeover,
    Watched,
    Wish,
    approve,
    claim_integration,
    claim_stages,
    end_integration,
    publish_done,
    release,
    renew,
    renew_integration,
    take_away,
    take_over,
    take_over_integration,
)
from ..remote.task_document import MOST_BYTES, MOST_ROWS, ROWS
from ..services import Services
from ..settings.claims_remote import NAMESPACE
from ..status import Liveness
from ..system.process_identity import liveness
from ..system.secrets import hide
from ..system.text import encode_line
from .elsewhere import Shared
from .joining import Wanted
from .run_records import RecordsAt
from .view import GATES, OVERRULE, is_mine, orphans, view_of

if TYPE_CHECKING:
    from ..git import Repository

OPEN = "open"
_LOST = ("stage-taken", "stage-done")


class Left(NamedTuple):
    """`stages`: claims of this machine that its registry does not know. `merging`: it has the right to merge, and
    nothing here merges. `approval`: of the plan, as the remote has it."""

    stages: list[int]
    merging: bool
    approval: Approval | None


class _OutOfDate(Exception):
    """What was predicted from the state that was read holds no more: epoch, run number or anchor."""


class SharedClaims:
    """Made by `joining.sharing_of`. Every method that asks the remote raises Missing (`remote-unreachable`), Unreadable
    (`remote-unreadable`, `remote-rewound`), Refused (`remote-refused`), Busy."""

    def __init__(
        self, exchange: Exchange, me: Holder, services: Services, *, lease: int, namespace: str = NAMESPACE
    ) -> None:
        self._exchange, self._me, self._services, self._lease = exchange, me, services, lease
        self._namespace = namespace
        self._lapsed: dict[str, Watched] = {}

    @property
    def key(self) -> TaskKey:
        return self._exchange.key

    @property
    def where(self) -> str:
        """The remote and the task's ref there, for people."""
        return f"{self._exchange.side.place.shown} {self._exchange.ref}"

    def new_token(self) -> str:
        return secrets.token_hex(16)

    def fetch(self) -> Shared:
        """What the task is now, on all machines."""
        seen = self._exchange.read()
        self._watch(seen)
        return view_of(seen.task, self._me, [int(name) for name in self._lapsed if name.isdigit()])

    def known(self) -> Shared:
        """What this machine saw last; asks no remote."""
        return view_of(self._exchange.last_seen().task, self._me)

    def bring(self, repository: Repository, *commits: str) -> None:
        """Copies commits of other machines into the clone; none of its refs moves."""
        bring_commits(repository.top, self._exchange.side.path, commits)

    def claim(self, wanted: Sequence[Wanted], *, digest: str, plan: str, anchor: str = "") -> bool:
        """Claims all of these stages, or none: False when another machine was faster. Claims of this machine that
        nobody here knows of are given back. `plan` is the file with that digest.

        Raises Refused (`plan-not-approved`, `plan-changed`) too.
        """

        def decide(seen: Seen) -> Change:
            task = self._without_orphans(seen.task)
            at = self._services.clock.now()
            wishes = [self._wish(one) for one in wanted]
            for wish in wishes:
                found = task.stages.get(wish.stage)
                why = self._right_to(found.claim if found else None, str(wish.stage))
                if why is not None:
                    task = take_over(task, wish, self._me, why=why, at=at, watched=self._lapsed.get(str(wish.stage)))
            task = claim_stages(task, wishes, self._me, plan_digest=digest, anchor=anchor, at=at)
            predicted = {one.stage: (one.run_id, one.epoch) for one in wanted}
            got = {number: (task.stages[number].run_id, task.stages[number].claim.epoch) for number in predicted}
            if got != predicted or (anchor and task.anchor != anchor):
                raise _OutOfDate
            begins = (task.anchor,) if task.anchor and not seen.task.anchor else ()
            names = ", ".join(f"{one.stage} (epoch {one.epoch})" for one in wanted)
            return Change(task, f"claim stage {names}", begins)

        try:
            task = self._exchange.change(decide).task
        except _OutOfDate:
            return False
        except Refused as refused:
            if refused.code in _LOST:
                return False
            if refused.code in ("plan-not-approved", "plan-changed"):
                others = f"{refused.hint}; " if refused.code == "plan-changed" else ""
                refused.hint = f"{others}{okstra_command('plan', 'approve', plan, '--yes')} publishes the one here"
            raise
        return all(task.holds(one.stage, one.token) for one in wanted)

    def publish(
        self, stage: int, claim: StageClaim | None, row: LedgerRow, exit_check: str, *, gates_open: bool
    ) -> None:
        """Records the stage as done, with its ledger rows; the remote then has its commits. Repeating it is harmless.
        `gates_open`: okstra leads its run, which has not come to its end.

        Raises Refused (`stage-not-held`) when it was taken over.
        """
        fresh = self.new_token()

        def decide(seen: Seen) -> Change | None:
            task = seen.task
            token = (claim.remote_token if claim else "") or self._own_token(task, stage, row)
            if not token and claim is not None:  # it was begun before the task was shared
                wish = Wish(stage, claim.base_commit, fresh, row.epoch, int(row.run_id.rpartition("/")[2]))
                at = self._services.clock.now()
                task = claim_stages(task, [wish], self._me, plan_digest=row.plan_digest, anchor="", at=at)
                token = fresh
            proof = {"exit_check": hide(exit_check)[0], "proof": row.proof}
            task = publish_done(task, stage, epoch=row.epoch, token=token, head=row.head_commit, **proof)
            found = task.stages[stage]
            more = {**found.unknown, GATES: OPEN if gates_open else ""}
            if row.overrule:
                more[OVERRULE] = hide(row.overrule)[0]
            task = task.with_stage(stage, found._replace(unknown={name: text for name, text in more.items() if text}))
            rows = _with_rows(seen.files.rows, [*([self._started(stage, claim)] if claim else []), row])
            if task == seen.task and rows == seen.files.rows:
                return None
            return Change(task, f"done: stage {stage} (epoch {row.epoch})", (row.head_commit,), rows=rows)

        self._exchange.change(decide)

    def pass_gates(self, stage: int, run_id: str) -> None:
        """All gates of the led run that did the stage were passed."""

        def passed(task: SharedTask) -> SharedTask:
            found = task.stages.get(stage)
            if found is None or found.run_id != run_id or GATES not in found.unknown:
                return task
            left = {name: value for name, value in found.unknown.items() if name != GATES}
            return task.with_stage(stage, found._replace(unknown=left))

        self._change_if(passed, f"gates passed: stage {stage}")

    def give_back(self, tokens: Mapping[int, str]) -> None:
        """Gives back those of these claims that still stand."""
        self._change_if(lambda task: _released(task, tokens), f"release: stage {_numbers(tokens)}")

    def left_here(self) -> Left:
        """What processes of this machine that are gone left at the remote."""
        task = self._exchange.read().task
        merge = task.integration.claim if task.integration else None
        mine = merge is not None and merge.is_held and merge.holder.machine == self._me.machine
        merging = mine and merge is not None and liveness(merge.holder.process) is Liveness.GONE
        return Left(sorted(orphans(task, self._me, self._known_here())), merging, task.approval)

    def last_token(self, stage: int, run_id: str, epoch: int) -> str:
        """That of this machine's claim by that run, as this machine saw it last; or empty. Asks no remote."""
        found = self._exchange.last_seen().task.stages.get(stage)
        if found is None or found.claim.holder.machine != self._me.machine:
            return ""
        return found.claim.token if (found.run_id, found.claim.epoch) == (run_id, epoch) else ""

    def give_back_orphans(self) -> list[int]:
        """Gives back claims of this machine that its registry does not know; returns their stages."""
        found: dict[int, str] = {}

        def without(task: SharedTask) -> SharedTask:
            found.update(orphans(task, self._me, self._known_here()))
            return _released(task, found)

        self._change_if(without, "release: what a killed process left")
        return sorted(found)

    def take_away(self, stage: int, run_id: str) -> str:
        """A person takes the stage from the run; returns its host. Raises Refused (`stage-not-held`)."""
        host = ""

        def decide(seen: Seen) -> Change:
            nonlocal host
            found = seen.task.stages.get(stage)
            if found is None or found.run_id != run_id or not found.claim.is_held:
                raise Refused("stage-not-held", f"{run_id} does not hold stage {stage}", where=str(self.key))
            host = found.claim.holder.host
            return Change(take_away(seen.task, stage, found.claim.epoch), f"take stage {stage} away, as a person asked")

        self._exchange.change(decide)
        return host

    def require_hold(self, stage: int, claim: StageClaim) -> None:
        """Raises Refused (`stage-not-held`) when another machine took the stage over."""
        task = self._exchange.read().task
        found = task.stages.get(stage)
        if found is None or found.claim.token != claim.remote_token or not (found.claim.is_held or found.head):
            who = f"; {found.run_id} on {found.claim.holder.host} has it now" if found and found.claim.is_held else ""
            raise Refused(
                "stage-not-held",
                f"{claim.run_id} (epoch {claim.epoch}) does not hold its stage any more{who}",
                where=str(StageKey(self.key, stage)),
                hint=f"its commits are safe on the branch {claim.branch}",
            )

    def begin_integration(self, token: str, *, force: bool = False) -> str:
        """Takes the right to merge stages into the task branch, which one machine has at a time; returns that branch's
        head as another machine left it, or "". `force`: a person says that whoever has it is gone.

        Raises Refused (`integration-taken`).
        """

        def decide(seen: Seen) -> Change | None:
            at, found = self._services.clock.now(), seen.task.integration
            self._watch(seen)
            why = Takeover.PERSON if force else self._right_to(found.claim if found else None, INTEGRATION)
            if why is None:
                task = claim_integration(seen.task, self._me, token, at=at)
            else:
                watched = self._lapsed.get(INTEGRATION)
                task = take_over_integration(seen.task, self._me, token, why=why, at=at, watched=watched)
            return Change(task, "begin to integrate")

        found = self._exchange.change(decide).task.integration
        if found is None or found.claim.token != token:
            raise Refused("integration-taken", "another machine took the right to integrate meanwhile")
        return found.head

    def end_integration(self, token: str, head: str = "") -> None:
        """Gives the right back. `head`: the task branch after the merge, which the remote gets; empty: none was made.

        Raises Refused (`integration-taken`) when somebody took it meanwhile.
        """
        begun = (head,) if head else ()
        subject = f"integrated: {head[:12]}" if head else "end integrating: nothing was merged"
        self._exchange.change(lambda seen: Change(end_integration(seen.task, token, head=head), subject, begun))

    def approve(self, plan: bytes, approval: Approval, facts: Mapping[str, str]) -> None:
        """Publishes the plan, its approval, and `facts` of the task."""

        def decide(seen: Seen) -> Change | None:
            task = approve(seen.task, approval)._replace(unknown={**seen.task.unknown, **facts})
            if task == seen.task and seen.files.plan == plan:
                return None
            return Change(task, "approve the plan", plan=plan)

        self._exchange.change(decide)

    @property
    def exchange(self) -> Exchange:
        return self._exchange

    @property
    def records(self) -> RecordsAt:
        return RecordsAt(self._exchange.side, self._namespace)

    @property
    def was_seen(self) -> bool:
        """Whether this machine ever saw the task on the remote; asks nobody."""
        return bool(self._exchange.side.seen(self._exchange.ref))

    def republish(self) -> str:
        """Puts back what this machine saw last on a remote that lost it, for a person who asked for it; returns the
        task's ref there."""
        self._exchange.republish()
        return self.where

    def read(self) -> Seen:
        """Everything that the remote has of the task."""
        return self._exchange.read()

    def beat(self, stage: int, token: str) -> None:
        """A sign of life, three times in a lease. Raises Refused (`stage-not-held`)."""
        self._change_if(lambda task: renew(task, {stage: token}), f"alive: stage {stage}")

    def beat_integration(self, token: str) -> None:
        """As `beat`, for the right to merge. Raises Refused (`integration-taken`)."""
        self._change_if(lambda task: renew_integration(task, token), "alive: integrating")

    @property
    def seconds_between_beats(self) -> float:
        """0 where there is no lease."""
        return self._lease / BEATS_IN_A_LEASE

    def _watch(self, seen: Seen) -> None:
        """Under a lease: since when each claim is as it is, by this machine's clock."""
        if not self._lease:
            return
        sightings, at = lease.look(self._exchange, seen), lease.now()
        found = {name: lapsed(sighting, self._lease, at) for name, sighting in sightings.items()}
        self._lapsed = {name: watched for name, watched in found.items() if watched is not None}

    def _right_to(self, claim: Claim | None, name: str) -> Takeover | None:
        """By what right this machine takes a claim that stands; None: by none, or nobody has it."""
        if claim is None or not claim.is_held:
            return None
        if is_mine(claim, self._me):
            same = claim.holder.machine == self._me.machine
            return Takeover.PERSON if same else Takeover.JOB  # of its own claims a machine disposes as a person does
        return Takeover.LEASE if self._lapsed.get(name) == Watched.of(claim) else None

    def _wish(self, one: Wanted) -> Wish:
        return Wish(one.stage, one.base, one.token, one.epoch, one.seq, beat=int(one.led and self._lease > 0))

    def _change_if(self, changed: Callable[[SharedTask], SharedTask], subject: str) -> None:
        def decide(seen: Seen) -> Change | None:
            task = changed(seen.task)
            return None if task == seen.task else Change(task, subject)

        self._exchange.change(decide)

    def _without_orphans(self, task: SharedTask) -> SharedTask:
        return _released(task, orphans(task, self._me, self._known_here()))

    def _known_here(self) -> set[str]:
        """The tokens and run ids of the registry's claims, and of those that a rerun under way takes over."""
        claims = list(self._services.registry.read().stages_of(self.key).values())
        earlier = [claim.before for claim in claims if claim.before is not None]
        known = {name for claim in claims for name in (claim.remote_token, claim.run_id)}
        return known | {name for before in earlier for name in (before.remote_token, before.run_id)}

    def _own_token(self, task: SharedTask, stage: int, row: LedgerRow) -> str:
        """That of a claim whose registry entry is gone, or that is done already."""
        found = task.stages.get(stage)
        mine = found is not None and found.claim.holder.machine == self._me.machine and found.run_id == row.run_id
        return found.claim.token if found is not None and mine else ""

    def _started(self, stage: int, claim: StageClaim) -> LedgerRow:
        facts = {"run_id": claim.run_id, "epoch": claim.epoch, "digest": claim.plan_digest, "base": claim.base_commit}
        return started_row(StageKey(self.key, stage), at=claim.reserved_at, **facts)  # type: ignore[arg-type]


def _released(task: SharedTask, tokens: Mapping[int, str]) -> SharedTask:
    for stage, token in tokens.items():
        if task.holds(stage, token):
            task = release(task, stage, token)
    return task


def _numbers(stages: Mapping[int, str]) -> str:
    return ", ".join(map(str, sorted(stages)))


def _with_rows(before: bytes, rows: Sequence[LedgerRow]) -> bytes:
    """With the rows that it lacks, without secrets; as before when there would be more than others read."""
    known = ids_of(before.splitlines())
    more = b"".join(hide(encode_line(row.to_json()).decode())[0].encode() for row in rows if row.id not in known)
    after = before + more
    return after if after.count(b"\n") <= MOST_ROWS and len(after) <= MOST_BYTES[ROWS] else before
