"""The proof of a stage: its exit check at the stage's head, and again without the stage's code.

Both runs are in checkouts of okstra's own, never in the executor's worktree. In the second one the files of the base
stand, with the stage's tests as they are at its head: so it is the code that the check must miss.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from .. import git
from ..git.checkouts import commit_with
from ..plan.model import Stage
from ..sandbox.profile import Role
from ..settings.project import ProjectConfig
from .causes import likely_causes
from .checkout import BASE, HEAD, Checkouts
from .command import Ran, Runner
from .rules import Outcome, changes_no_code, has_base, kept_at_base, outcome


class Subject(NamedTuple):
    """What is proven: the stage at its head, from its base on; `proof` is the plan's, or a person's reason for none."""

    stage: Stage
    base: str
    head: str
    proof: str


class Proof(NamedTuple):
    """What the check showed. `base_commit` is that of the second run, empty without one; `tests` stayed in it."""

    outcome: Outcome
    head: Ran
    base: Ran | None = None
    base_commit: str = ""
    tests: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    """What was found that may lead the check to code from elsewhere; sought when it failed or proved nothing."""

    @property
    def doubt(self) -> str:
        """Why a person should look at a proof all the same: without the code, the check may not have run at all."""
        if self.outcome is not Outcome.PROVEN or self.base is None:
            return ""
        if self.base.why is not None:
            return f"the check itself was missing at the base: exit {self.base.exit}"
        return "" if self.tests else "no test of the stage stayed at the base: the check itself may have been missing"

    def to_json(self) -> Mapping[str, object]:
        """For the record of the exit check."""
        return {
            "outcome": str(self.outcome),
            "base": self.base_commit,
            "base_exit": self.base.exit if self.base else None,
            "tests": list(self.tests),
            "causes": list(self.causes),
            **({"doubt": self.doubt} if self.doubt else {}),
        }


def prove(subject: Subject, places: Checkouts, runner: Runner, config: ProjectConfig, top: str, limit: float) -> Proof:
    """Runs the check once or twice; `top` is the main checkout. Raises as `Checkouts.at` and `Runner.run_in`."""
    stage, proof = subject.stage, subject.proof
    place = places.at(HEAD, subject.head)
    head = runner.run_in(place, stage.exit_check, Role.CHECK, limit=limit, title=f"at {subject.head[:12]}")
    base: Ran | None = None
    base_commit = ""
    tests: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    if head.green and has_base(proof):
        changed = git.changed_files(top, subject.base, subject.head)
        tests = kept_at_base(proof, changed, stage, config.test_paths, git.kinds_at(top, subject.base))
        if not changes_no_code(proof, changed, tests):
            base_commit = _without_code(subject, tests, top, place.path)
            title = f"at the base {subject.base[:12]}"
            title += f", with {len(tests)} test file(s) of the stage" if tests else ""
            base = runner.run_in(places.at(BASE, base_commit), stage.exit_check, Role.CHECK, limit=limit, title=title)
    ended = base is not None and base.exit is not None
    seen = outcome(proof, head=head.green, base=base.green if base and ended else None)
    if seen in (Outcome.UNPROVEN, Outcome.BROKEN):
        elsewhere = (top, runner.services.home.worktrees)
        causes = likely_causes(place.path, elsewhere, config.sync, runner.services.environment)
    return Proof(seen, head, base, base_commit, tests, causes)


def _without_code(subject: Subject, tests: tuple[str, ...], top: str, checkout: str) -> str:
    index = os.path.join(git.worktree_git_dir(checkout), "okstra-proof.index")
    message = "okstra: the base of a stage, with the stage's tests"
    return commit_with(top, subject.base, subject.head, tests, message, index=index)
