"""What the proof of a stage costs beyond its exit check: two checkouts of its own, made anew, and the check in each."""

from __future__ import annotations

import subprocess

from families import Family
from measure import Row, row_of, seconds
from scenes import Scene, scene

from okstra_ctl import git
from okstra_ctl.names import TaskKey
from okstra_ctl.plan.model import RED_GREEN, Stage
from okstra_ctl.proof.checkout import checkouts
from okstra_ctl.proof.command import Runner
from okstra_ctl.proof.rules import Outcome
from okstra_ctl.proof.stage_proof import Subject, prove
from okstra_ctl.runs.commands import A_DAY
from okstra_ctl.runs.containment import sandbox_of
from okstra_ctl.services import open_services
from okstra_ctl.settings.project import load_project
from okstra_ctl.system import files
from okstra_ctl.worktrees import proofs

_CHECK = "sleep 0.5; test -e stage.txt"
_TIMES, _MORE = 2.2, 0.3
_ROUNDS = 7
_KEY = TaskKey.make("bench", "load", "T-1")


def stage(size: int) -> Row:
    place = scene(size)
    base = place.git("rev-parse", "HEAD")
    (place.repo / "stage.txt").write_text("done\n")
    place.git("add", "stage.txt")
    place.git("commit", "--quiet", "-m", "stage")
    stage = Stage(1, "Bench", (), ("stage.txt",), _CHECK, (), "", 1)
    subject = Subject(stage, base, place.git("rev-parse", "HEAD"), RED_GREEN)
    _prove(place, subject)
    pairs = []
    for _ in range(_ROUNDS):
        _remove(place)
        ours = seconds(lambda: _prove(place, subject))
        check = seconds(lambda: subprocess.run(["bash", "-c", _CHECK], cwd=place.repo, env=place.env, check=True))
        pairs.append((ours, _TIMES * check + _MORE))
    return row_of("", "", pairs, goal=1.0)


def _prove(place: Scene, subject: Subject) -> None:
    root, services = str(place.repo), open_services(place.env)
    repository = git.discover(root)
    assert repository is not None
    project, log = load_project(root, services), str(place.folder / "proof.log")
    files.open_log(log, anew=True).close()
    runner = Runner(root, services, sandbox_of(root, services), "bench", log)
    with checkouts(project, repository, _KEY, services, log_path=log) as places:
        seen = prove(subject, places, runner, project.config, repository.top, A_DAY)
    if seen.outcome is not Outcome.PROVEN:
        raise SystemExit(f"it is {seen.outcome}")


def _remove(place: Scene) -> None:
    repository = git.discover(str(place.repo))
    assert repository is not None
    proofs.remove(open_services(place.env).home, repository, _KEY)


FAMILIES = (
    Family("proof", "the proof of a stage", "2.2 × its check + 300 ms", "files", stage, {1_000: 1.0}, (1_000,)),
)
