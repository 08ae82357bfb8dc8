"""Claims, take-overs, ends, crashes and edits of the plan in any order, against a model that is a plain dict.

The world is two byte strings, as on the disk: the registry, read and written back at every step, and the ledger,
appended to by the line. What flows do in one transaction each rule does here, by the same functions of the core.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from okstra_ctl.claims.ledger_rows import LedgerRow, LedgerView, fold, row_id, started_row
from okstra_ctl.claims.registry_document import RegistryDoc, StageClaim, TaskClaim
from okstra_ctl.errors import Refused
from okstra_ctl.names import AUTO, Owner, RunId, StageKey, TaskKey
from okstra_ctl.paths import ProjectFiles
from okstra_ctl.plan.model import Stage, StageMap
from okstra_ctl.runs.find import KnownRun
from okstra_ctl.stages.done import require_claim
from okstra_ctl.stages.select import StageRecords, StageState, choose, decide_base, stage_states
from okstra_ctl.status import ClaimStatus, LedgerStatus, Liveness
from okstra_ctl.system.text import encode_line

KEY = TaskKey("p", "g", "데이터")
NEEDS = {1: (), 2: (1,), 3: (), 4: (2, 3)}
DIGESTS = ("digest-a", "digest-b", "digest-c")
HELD = {Liveness.ALIVE: "running", Liveness.NOBODY: "reserved", Liveness.GONE: "interrupted"}
STAGES = st.sampled_from(sorted(NEEDS))


def plan(digest: str) -> StageMap:
    return StageMap(
        tuple(Stage(n, f"Part {n}", needs, ("a",), "true", (), "", 1) for n, needs in NEEDS.items()), digest
    )


class Run(NamedTuple):
    """One hold, as its run's manifest keeps it for ever."""

    stage: int
    epoch: int
    digest: str
    head: str

    @property
    def id(self) -> RunId:
        return RunId(KEY, "implementation", self.stage, self.epoch)

    def known(self) -> KnownRun:
        project = ProjectFiles("/p")
        manifest = {"epoch": self.epoch, "plan": {"path": "/plan", "digest": self.digest}}
        return KnownRun(self.id, project, project.task(KEY).run_of(self.id), manifest)

    def row(self, status: LedgerStatus) -> LedgerRow:
        if status is LedgerStatus.STARTED:
            key = StageKey(KEY, self.stage)
            return started_row(key, run_id=str(self.id), epoch=self.epoch, digest=self.digest, base="base", at="at")
        head = self.head if status is LedgerStatus.DONE else "base"
        name = row_id(str(self.id), self.epoch, status)
        return LedgerRow(name, str(KEY), self.stage, status, "at", str(self.id), self.epoch, self.digest, head)


class Disk:
    """The two files. `append` is as the door: a torn tail is set aside, a row that is there is not repeated."""

    def __init__(self) -> None:
        doc = RegistryDoc()
        doc.put_task(KEY, TaskClaim("/wt/task", "feat", "anchor", "/p", ClaimStatus.ACTIVE, "at", "anchor"))
        self.registry, self.ledger = doc.dump(), b""

    def read(self) -> RegistryDoc:
        return RegistryDoc.parse(self.registry)

    def lines(self) -> list[bytes]:
        return self.ledger.split(b"\n")[:-1]

    def fold(self, digest: str) -> LedgerView:
        return fold(self.lines(), task_key=str(KEY), plan_digest=digest)

    def append(self, row: LedgerRow) -> None:
        self.ledger = b"".join(line + b"\n" for line in self.lines())
        if row.id not in self.fold(row.plan_digest).ids:
            self.ledger += encode_line(row.to_json())

    def put(self, stage: int, claim: StageClaim | None) -> None:
        """One transaction on one stage; the epoch that it gives out is remembered with the task."""
        doc, key = self.read(), StageKey(KEY, stage)
        if claim is None:
            doc.remove_stage(key)
        else:
            doc.put_stage(key, claim)
            task = doc.task(KEY)
            assert task is not None
            doc.put_task(KEY, task._replace(epochs={**task.epochs, stage: claim.epoch}))
        self.registry = doc.dump()

    def claim(self, stage: int) -> StageClaim | None:
        return self.read().stage(StageKey(KEY, stage))


class Reservations(RuleBasedStateMachine):
    """`holds` and `words` are the model: who holds what now, and what was last said of a stage under a digest."""

    @initialize()
    def begin(self) -> None:
        self.disk = Disk()
        self.digest = DIGESTS[0]
        self.runs: list[Run] = []
        self.owed: list[LedgerRow] = []  # started rows of processes that stand still before they write them
        self.holds: dict[int, dict[str, Any]] = {}  # stage -> run, phase, owner
        self.words: dict[tuple[str, int], dict[str, Any]] = {}  # (digest, stage) -> said, epoch, head
        self.epochs: dict[int, int] = {}
        self.alive: dict[Owner, Liveness] = {}
        self.pids = 0

    # What the model expects

    def _expected(self, stage: int) -> str:
        hold, word = self.holds.get(stage), self.words.get((self.digest, stage), {"said": ""})
        leads = hold is not None and (hold["phase"] != "done" or hold["run"].digest == self.digest)
        if word["said"] == "done" and (not leads or hold is None or hold["run"].epoch <= word["epoch"]):
            return "done"
        if hold is not None:
            return "blocked" if hold["phase"] == "done" else HELD[self.alive.get(hold["owner"], Liveness.NOBODY)]
        return "ready" if all(self._expected(need) == "done" for need in NEEDS[stage]) else "blocked"

    def _states(self) -> list[StageState]:
        doc = self.disk.read()
        task = doc.task(KEY)
        assert task is not None
        view = self.disk.fold(self.digest)
        merged = {row.head_commit: True for row in view.newest.values()}
        return stage_states(
            plan(self.digest), StageRecords(view, doc.stages_of(KEY), self.alive, merged, epochs=task.epochs)
        )

    # Taking a stage

    def _owner(self, live: Liveness) -> Owner | None:
        if live is Liveness.NOBODY:
            return None
        self.pids += 1
        owner = Owner("host", "boot", self.pids, "1")
        self.alive[owner] = live
        return owner

    @rule(wanted=st.just(AUTO) | STAGES.map(str), live=st.sampled_from((Liveness.ALIVE, Liveness.NOBODY)))
    def reserve(self, wanted: str, live: Liveness) -> None:
        states = self._states()
        ready = [stage for stage in NEEDS if self._expected(stage) == "ready"]
        try:
            state = choose(states, wanted)
        except Refused:
            assert not ready if wanted == AUTO else int(wanted) not in ready
            return
        assert state.stage == (ready[0] if wanted == AUTO else int(wanted))
        assert decide_base(state, states, anchor="anchor", task_head="merged")
        task, held = self.disk.read().task(KEY), self.disk.claim(state.stage)
        assert task is not None and held is None, "a stage that is ready is held by nobody"
        epoch = 1 + task.epochs.get(state.stage, 0)
        run = self._new_run(state.stage, epoch)
        owner = self._owner(Liveness.ALIVE)
        claim = StageClaim(
            *(f"/wt/{run.stage}", f"feat-s{run.stage}", "base", "/p", ClaimStatus.PROVISIONING, str(run.id)),
            *(owner, "at", epoch, f"token-{epoch}", "/plan", run.digest),
        )
        self.disk.put(state.stage, claim)
        self.holds[state.stage] = {"run": run, "phase": "provisioning", "owner": owner, "lead": live}

    def _new_run(self, stage: int, epoch: int) -> Run:
        assert epoch > self.epochs.get(stage, 0), "an epoch was given out again"
        self.epochs[stage] = epoch
        run = Run(stage, epoch, self.digest, f"head-{stage}-{epoch}")
        self.runs.append(run)
        return run

    @precondition(lambda self: self._in_phase("provisioning"))
    @rule(data=st.data(), row=st.sampled_from(("written", "late", "never")))
    def activate(self, data: st.DataObject, row: str) -> None:
        hold = self.holds[data.draw(st.sampled_from(self._in_phase("provisioning")))]
        if self.alive.get(hold["owner"]) is Liveness.GONE:
            return
        hold.update(phase="active", owner=self._owner(hold["lead"]))
        claim = self.disk.claim(hold["run"].stage)
        assert claim is not None
        self.disk.put(hold["run"].stage, claim._replace(status=ClaimStatus.ACTIVE, owner=hold["owner"]))
        self._started(hold["run"], row)

    def _started(self, run: Run, row: str) -> None:
        """The claim is active. Its row is written now, later by a slow process, or by nobody (it was killed)."""
        self.words[(run.digest, run.stage)] = {"said": "started", "epoch": run.epoch}
        if row == "written":
            self.disk.append(run.row(LedgerStatus.STARTED))
        elif row == "late":
            self.owed.append(run.row(LedgerStatus.STARTED))

    @precondition(lambda self: self.owed)
    @rule(data=st.data())
    def a_slow_process_writes_its_row(self, data: st.DataObject) -> None:
        self.disk.append(self.owed.pop(data.draw(st.integers(0, len(self.owed) - 1))))

    @rule()
    def the_next_run_heals_the_ledger(self) -> None:
        """As `recover.heal_ledger`: active claims lack their rows when their runs died before they wrote them."""
        for stage, claim in self.disk.read().stages_of(KEY).items():
            if claim.status is ClaimStatus.ACTIVE:
                run = next(run for run in self.runs if str(run.id) == claim.run_id and run.stage == stage)
                self.disk.append(run.row(LedgerStatus.STARTED))

    @rule(stage=STAGES)
    def the_owner_dies(self, stage: int) -> None:
        owner = self.holds.get(stage, {}).get("owner")
        if owner is not None:
            self.alive[owner] = Liveness.GONE

    @rule()
    def what_dead_processes_left_is_undone(self) -> None:
        for stage in self._in_phase("provisioning"):
            if self.alive.get(self.holds[stage]["owner"]) is Liveness.GONE:
                self.disk.put(stage, None)
                del self.holds[stage]

    # Ending a hold; every run that there ever was may try

    @precondition(lambda self: self.runs)
    @rule(data=st.data(), killed=st.booleans())
    def done(self, data: st.DataObject, killed: bool) -> None:
        run = data.draw(st.sampled_from(self.runs))
        hold = self.holds.get(run.stage)
        try:
            claim = require_claim(run.known(), self.disk.claim(run.stage))
        except Refused:
            assert hold is None or hold["run"] != run or hold["phase"] != "active"
            return
        assert hold is not None and hold["run"] == run, "an old epoch finished"
        assert hold["phase"] == "active"
        self.disk.append(run.row(LedgerStatus.DONE))  # the commit point
        self.words[(run.digest, run.stage)] = {"said": "done", "epoch": run.epoch, "head": run.head}
        if not killed:
            self.disk.put(run.stage, claim._replace(status=ClaimStatus.DONE, owner=None))
            hold.update(phase="done", owner=None)

    @precondition(lambda self: self.runs)
    @rule(data=st.data(), killed=st.sampled_from(("", "before the intent", "before the end")))
    def release(self, data: st.DataObject, killed: str) -> None:
        run = data.draw(st.sampled_from(self.runs))
        hold = self.holds.get(run.stage)
        try:
            claim = require_claim(run.known(), self.disk.claim(run.stage))
        except Refused:
            assert hold is None or hold["run"] != run or hold["phase"] != "active"
            return
        assert hold is not None and hold["run"] == run
        self.disk.append(run.row(LedgerStatus.RELEASED))
        if self.words[(run.digest, run.stage)]["said"] != "done":  # what is done can't be given back
            self.words[(run.digest, run.stage)] = {"said": "released", "epoch": run.epoch}
        if killed == "before the end":
            owner = self._owner(Liveness.GONE)
            self.disk.put(run.stage, claim._replace(status=ClaimStatus.PROVISIONING, owner=owner))
            hold.update(phase="provisioning", owner=owner)
        elif not killed:
            self._give_up(run.stage)

    @precondition(lambda self: self._in_phase("done"))
    @rule(data=st.data())
    def remove_the_worktree_of_a_done_stage(self, data: st.DataObject) -> None:
        self._give_up(data.draw(st.sampled_from(self._in_phase("done"))))

    def _give_up(self, stage: int) -> None:
        self.disk.put(stage, None)
        del self.holds[stage]

    @precondition(lambda self: self.runs)
    @rule(data=st.data(), row=st.sampled_from(("written", "late", "never")), live=st.sampled_from(tuple(HELD)))
    def rerun(self, data: st.DataObject, row: str, live: Liveness) -> None:
        """The take-over: by the newest run of the stage alone, and from nobody who lives."""
        old = data.draw(st.sampled_from(self.runs))
        claim, hold = self.disk.claim(old.stage), self.holds.get(old.stage)
        if claim is None or hold is None or claim.run_id != str(old.id) or hold["phase"] == "provisioning":
            return
        if self.alive.get(hold["owner"]) is Liveness.ALIVE:
            return
        run = self._new_run(old.stage, claim.epoch + 1)
        hold.update(run=run, phase="active", owner=self._owner(live))
        taken = claim._replace(run_id=str(run.id), epoch=run.epoch, status=ClaimStatus.ACTIVE, owner=hold["owner"])
        self.disk.put(run.stage, taken._replace(plan_digest=run.digest))
        self._started(run, row)

    # What happens to the files

    @rule(digest=st.sampled_from(DIGESTS))
    def the_plan_is_edited(self, digest: str) -> None:
        self.digest = digest

    @rule(data=st.data())
    def a_writer_is_killed_in_the_middle_of_a_row(self, data: st.DataObject) -> None:
        row = Run(1, 99, self.digest, "torn").row(LedgerStatus.DONE)
        line = encode_line(row.to_json())
        self.disk.ledger += line[: data.draw(st.integers(1, len(line) - 1))]

    @rule(line=st.sampled_from((b"\n", b"\0\n", b"{}\n", b'{"v": 2, "stage": 1, "status": "done"}\n', b"[[[[\n")))
    def a_line_is_garbage(self, line: bytes) -> None:
        self.disk.ledger = b"".join(whole + b"\n" for whole in self.disk.lines()) + line

    @rule(indent=st.sampled_from((None, 1)))
    def the_registry_is_laid_out_by_another_program(self, indent: int | None) -> None:
        self.disk.registry = json.dumps(json.loads(self.disk.registry), indent=indent).encode()

    # What always holds

    def _in_phase(self, phase: str) -> list[int]:
        return sorted(stage for stage, hold in self.holds.items() if hold["phase"] == phase)

    @invariant()
    def ledger_and_registry_tell_what_happened(self) -> None:
        states = {state.stage: state for state in self._states()}
        assert {stage: str(state.status) for stage, state in states.items()} == {
            stage: self._expected(stage) for stage in NEEDS
        }
        for stage, state in states.items():
            word = self.words.get((self.digest, stage))
            if state.status == "done":
                assert word is not None and state.head_commit == word["head"], "done, yet not at its commit"

    @invariant()
    def what_was_done_under_a_digest_stays_done_under_it(self) -> None:
        for (digest, stage), word in self.words.items():
            newest = self.disk.fold(digest).newest.get(stage)
            if word["said"] == "done":
                assert newest is not None and (newest.status, newest.epoch) == (LedgerStatus.DONE, word["epoch"])

    @invariant()
    def no_stage_is_held_twice_and_epochs_only_grow(self) -> None:
        doc = self.disk.read()
        claims = doc.stages_of(KEY)
        assert {stage: claim.run_id for stage, claim in claims.items()} == {
            stage: str(hold["run"].id) for stage, hold in self.holds.items()
        }
        assert len({claim.path for claim in claims.values()}) == len(claims)
        task = doc.task(KEY)
        assert task is not None and dict(task.epochs) == self.epochs

    @invariant()
    def rows_of_other_digests_need_not_be_read(self) -> None:
        own = [line for line in self.disk.lines() if self.digest.encode() in line]
        assert fold(own, task_key=str(KEY), plan_digest=self.digest).newest == self.disk.fold(self.digest).newest


TestReservations = Reservations.TestCase
TestReservations.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
