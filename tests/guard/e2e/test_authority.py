"""A worker changes nothing of okstra's: neither by mark nor by descent does one of its commands pass as a person's."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from okstra_ctl.command_table import VERBS
from support.okstra import Ended, Project
from support.plans import independent
from support.rehearsal import executed, finding, install, led, part, report_of, result
from support.sealed import ROOT

_MARKS = "env -u OKSTRA_WORKER -u OKSTRA_WORKER_HOME -u OKSTRA_WORKER_RUN -u OKSTRA_WORKER_ID"
# Everything that is kept in the home and of the project, but for the led run itself and what locks leave.
_PICTURE = (
    'cd {root} && find {home} .okstra -type f ! -path "*/{own}/*" ! -name "*.lock*" ! -path "*/.locks/*" '
    '! -name "index.sqlite3" ! -name "*.log" -print0 | sort -z | xargs -0 sha256sum; git for-each-ref; '
    "git worktree list"
)


OKSTRA = str(ROOT / "bin" / "okstra")


def words_of(run: str, stage_run: str, plan: str, task_key: str) -> dict[str, list[str]]:
    """`run` is any run, `stage_run` one that holds a stage of the plan."""
    stage = f"{task_key}#stage-1"
    new_run = ["--task-key", task_key, "--task-type", "error-analysis", "--render-only", "--yes"]
    return {
        "setup": ["setup", "--project-id", "other", "--yes"],
        "trust": ["trust", "--yes"],
        "config set": ["config", "set", "convergence.quorum", "1"],
        "config unset": ["config", "unset", "maxParallelWorkers"],
        "memory add": ["memory", "add", "--title", "A note", "--text", "of a worker"],
        "memory remove": ["memory", "remove", "a-note"],
        "brief new": ["brief", "new", "--title", "A task", "--task-key", "demo:core:T-9"],
        "run": ["run", *new_run],
        "wizard init": ["wizard", "init"],
        "wizard step": ["wizard", "step", "--state", "/nowhere", "--answer", "1"],
        "batch": ["batch", "--task-key", task_key, "--with=--render-only --task-type error-analysis"],
        "work": ["work", task_key],
        "fleet init": ["fleet", "init", "/nowhere/fleet.toml"],
        "fleet up": ["fleet", "up", "/nowhere/fleet.toml"],
        "fleet down": ["fleet", "down", "/nowhere/fleet.toml"],
        "fleet cancel": ["fleet", "cancel", "placed-1"],
        "rerun": ["rerun", stage_run, "--render-only"],
        "resume": ["resume", run],
        "check evidence": ["check", "evidence", run, "--execute"],
        "report render": ["report", "render", run],
        "worker exec": ["worker", "exec", "rehearsal", ".", "rehearsal", "/nowhere", ".", "analyst"],
        "seal sign": ["seal", "sign", "--key", "/nowhere"],
        "init": ["init", "--yes"],
        "demo": ["demo"],
        "mcp": ["mcp"],
        "notify test": ["notify", "test"],
        "remote use": ["remote", "use", "origin"],
        "remote check": ["remote", "check"],
        "review": ["review", "--staged", "--yes"],
        "pr sync": ["pr", "sync", task_key],
        "plan new": ["plan", "new", task_key],
        "drop": ["drop", task_key],
        "restore": ["restore", task_key],
        "next": ["next", task_key, "--yes"],
        "followups spawn": ["followups", "spawn", run, "--all"],
        "followups dismiss": ["followups", "dismiss", run, "--item", "FU-001", "--reason", "no"],
        "plan approve": ["plan", "approve", plan, "--yes"],
        "plan adopt": ["plan", "adopt", plan, "--task-key", task_key],
        "stage done": ["stage", "done", "--run", stage_run, "--no-change", "nothing to do"],
        "stage release": ["stage", "release", "--force", "--run", stage_run],
        "stage publish": ["stage", "publish", "--run", stage_run],
        "task fetch": ["task", "fetch", task_key, "--trust-digest", "0" * 64],
        "integrate": ["integrate", "--task-key", task_key],
        "handoff": ["handoff", task_key, "--yes"],
        "worktree remove": ["worktree", "remove", "--force", stage],
        "worktree restore": ["worktree", "restore", stage],
        "reconcile": ["reconcile", "--apply"],
        "backfill": ["backfill"],
        "gc": ["gc"],
        "install": ["install"],
        "uninstall": ["uninstall", "--purge", "--yes"],
    }


class Worker:
    """Steps of a rehearsal's worker that call okstra, and what came of them."""

    def __init__(self, project: Project, folder: Path) -> None:
        self.project, self.folder = project, folder
        self.steps: list[dict[str, Any]] = []
        folder.mkdir()

    def call(self, name: str, command: str) -> None:
        """A command line of the worker's; its answer is kept under that name."""
        at = shlex.quote(str(self.folder / name))
        self.shell(f"{{ {command}; }} >{at} 2>{at}.err </dev/null; echo $? >{at}.status")

    def shell(self, command: str) -> None:
        """A script of its own: the rehearsal's text has braces and quotes of its own meaning."""
        script = self.folder / f"step-{len(self.steps)}.sh"
        script.write_text(f"cd {shlex.quote(str(self.project.repo.path))}\n{command}\n")
        self.steps.append({"run": f"sh {shlex.quote(str(script))}"})

    def answer(self, name: str) -> Ended:
        at = self.folder / name
        stderr = (self.folder / f"{name}.err").read_text()
        return Ended(int((self.folder / f"{name}.status").read_text()), at.read_text(), stderr)


@pytest.fixture
def worker(project: Project, tmp_path: Path) -> Worker:
    return Worker(project, tmp_path / "worker")


def _analysis(worker: Worker) -> Ended:
    install(worker.project, part(*worker.steps, {"result": result()}, worker="rehearsal-a", round=""))
    return led(worker.project, "error-analysis")


def test_every_command_that_changes_something_is_refused_from_inside_a_worker(worker: Worker) -> None:
    project = worker.project
    plan = project.adopt(independent(2))
    stage_run = project.run_stage("1").data["run_id"]
    project.okstra.ok("memory", "add", "--title", "A note", "--text", "of a person")
    run = project.run_phase("requirements-discovery").data["run_id"]
    words = words_of(run, stage_run, plan, project.task_key)
    assert set(words) == {label for label, verb in VERBS.items() if verb.changes}
    picture = _PICTURE.format(root=project.repo.path, home=project.home, own="error-analysis")
    worker.call("before", picture)
    for label, line in words.items():
        worker.call(label, f"{OKSTRA} {shlex.join(line)} --json")
    worker.call("by today's words", f"{OKSTRA} reconcile --done-rows --json")
    worker.call("after", picture)
    ended = _analysis(worker)
    assert ended.status == 0, ended
    for label in words:
        answer = worker.answer(label)
        assert (answer.status, answer.codes) == (3, ["worker-may-not"]), (label, answer)
        assert f"leave `okstra {label}` to" in answer.envelope["errors"][0]["try"], label
    assert worker.answer("by today's words").codes == ["worker-may-not"]
    before, after = worker.answer("before"), worker.answer("after")
    assert before.stdout == after.stdout
    assert len(before.stdout.splitlines()) > 10


def test_what_reads_is_allowed_to_a_worker(worker: Worker) -> None:
    project = worker.project
    plan = project.adopt(independent(1))
    run = project.run_stage().data["run_id"]
    lines = {
        "list": "list",
        "show": f"show {run}",
        "status": "status",
        "stage list": f"stage list --plan {plan}",
        "plan check": f"plan check {plan}",
        "paths": f"paths {run}",
        "config get": "config get maxParallelWorkers",
        "worktree lookup": f"worktree lookup {project.task_key}",
        "reconcile": "reconcile",
        "gc": "gc --dry-run",
        "check evidence": f"check evidence {run}",
        "run": f"run --task-key {project.task_key} --task-type error-analysis --dry-run",
        "help": "stage done --help",
    }
    for name, line in lines.items():
        worker.call(name, f"{OKSTRA} {line} --json")
    _analysis(worker)
    assert {name: worker.answer(name).status for name in lines} == dict.fromkeys(lines, 0)


@pytest.mark.parametrize(
    "way",
    [
        f"{_MARKS} {OKSTRA} config set convergence.quorum 1 --json",
        f"env -i PATH=$PATH HOME=$HOME OKSTRA_HOME=$OKSTRA_HOME {OKSTRA} config set convergence.quorum 1 --json",
        f"setsid {_MARKS} {OKSTRA} config set convergence.quorum 1 --json",
        f"{_MARKS} {OKSTRA} uninstall --json",
        f'ln -s "$OKSTRA_HOME" "$HOME/too"; {_MARKS} OKSTRA_HOME="$HOME/too" {OKSTRA} config set a b --json',
    ],
    ids=["unset", "empty", "setsid", "node", "another name of the home"],
)
def test_taking_the_mark_off_does_not_help(worker: Worker, way: str) -> None:
    worker.call("it", way)
    assert _analysis(worker).status == 0
    answer = worker.answer("it")
    assert (answer.status, answer.codes) == (3, ["worker-may-not"]), answer
    assert not (worker.project.home / "config.json").exists()


def test_a_worker_that_tests_okstra_does_in_a_home_of_its_own_what_it_likes(worker: Worker, tmp_path: Path) -> None:
    other, inner = tmp_path / "other", tmp_path / "inner"
    worker.shell(f"mkdir {other}; git init -q {inner}")
    at = f"HOME={other} OKSTRA_HOME={other}/.okstra {OKSTRA}"
    worker.call("setup", f"{at} setup --project-root {inner} --project-id inner --yes --json")
    worker.call("set", f"{at} config set maxParallelWorkers 2 --json")
    assert _analysis(worker).status == 0
    assert worker.answer("setup").status == 0, worker.answer("setup")
    assert worker.answer("set").status == 0, worker.answer("set")


@pytest.mark.parametrize("marks", ["", _MARKS], ids=["marked", "unset"])
def test_a_copy_of_the_home_lets_no_worker_pass_its_own_gate(worker: Worker, tmp_path: Path, marks: str) -> None:
    project, copy = worker.project, tmp_path / "copy"
    project.adopt(independent(2))
    other = project.run_stage("2").data["run_id"]
    at = f"{marks} OKSTRA_HOME={copy}" if marks else f"OKSTRA_HOME={copy}"
    worker.shell(f'cp -R "$OKSTRA_HOME" {copy}')
    worker.call("own", f'{at} {OKSTRA} stage done --run "$OKSTRA_RUN_ID" --overrule because --json')
    worker.call("other", f"{at} {OKSTRA} stage release --run {other} --force --json")
    work = ({"write": {"path": "stage-1/it.py", "content": "# it\n"}}, {"commit": "feat: it"})
    executor = part(*work, *worker.steps, {"result": executed(1, 2)}, role="executor")
    install(project, executor, part({"fault": "crash"}, role="verifier"))
    assert led(project, "implementation", "--stage", "1").status == 1
    for name in ("own", "other"):
        assert (worker.answer(name).status, worker.answer(name).codes) == (3, ["worker-may-not"]), worker.answer(name)
    assert [row["status"] for row in project.ledger] == ["started", "started"]


def test_what_a_person_calls_meanwhile_is_not_a_workers(worker: Worker) -> None:
    assert _analysis(worker).status == 0
    worker.project.okstra.ok("config", "set", "maxParallelWorkers", "2")


# Commands of the project's: they run under okstra too, and are no person's


def _configure(project: Project, **settings: object) -> None:
    path = project.repo.path / ".okstra" / "project.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))


@pytest.mark.parametrize("marks", ["", _MARKS], ids=["marked", "unset"])
def test_a_set_up_command_is_a_worker(project: Project, tmp_path: Path, marks: str) -> None:
    at = tmp_path / "said"
    _configure(project, worktreeSetup=[f"{marks} {OKSTRA} config set maxParallelWorkers 9 >{at} 2>&1; echo $? >>{at}"])
    assert project.run_phase().status == 0
    said = at.read_text().splitlines()
    assert said[-1] == "3" and "inside a worker" in said[0]


@pytest.mark.parametrize("marks", ["", _MARKS], ids=["marked", "unset"])
def test_an_exit_check_is_a_worker_in_stage_done_and_in_integrate(project: Project, tmp_path: Path, marks: str) -> None:
    at = tmp_path / "said"
    check = tmp_path / "check.sh"
    check.write_text(f"{marks} {OKSTRA} config set maxParallelWorkers 9 >/dev/null 2>&1; echo $? >>{at}\n")
    project.adopt(independent(1), exit_check=f"sh {check}")
    assert project.finish(project.run_stage()).status == 0
    project.okstra.ok("integrate", "--task-key", project.task_key)
    assert at.read_text().split() == ["3", "3"]


# What agents did with okstra's own verbs (each row was clean before)


def test_an_analyst_does_not_approve_a_plan(worker: Worker) -> None:
    project = worker.project
    plan = project.adopt(independent(1), approved=False)
    worker.call("it", f"{OKSTRA} plan approve {plan} --yes --json")
    assert _analysis(worker).status == 0
    assert worker.answer("it").codes == ["worker-may-not"]
    assert "approved: false" in Path(plan).read_text()
    assert project.run_stage().codes == ["plan-not-approved"]


def test_an_analyst_does_not_release_another_run(worker: Worker) -> None:
    project = worker.project
    project.adopt(independent(1))
    run = project.run_stage().data
    worker.call("it", f"{OKSTRA} stage release --force --run {run['run_id']} --json")
    assert _analysis(worker).status == 0
    assert worker.answer("it").codes == ["worker-may-not"]
    assert Path(run["worktree"]["path"]).is_dir()
    assert [row["status"] for row in project.ledger] == ["started"]


def test_an_analyst_does_not_lower_the_quorum_under_which_it_speaks(worker: Worker) -> None:
    """The other one is silent: the run stays aborted, and a plain resume does not pass with one voice."""
    project = worker.project
    worker.call("it", f"{OKSTRA} config set convergence.quorum 1 --json")
    install(
        project,
        part(*worker.steps, {"result": result(finding("high", "It breaks"))}, worker="rehearsal-a", round=""),
        part({"fault": "silent"}, worker="rehearsal-b"),
    )
    ended = led(project, "error-analysis")
    assert ended.status == 1
    assert worker.answer("it").codes == ["worker-may-not"]
    again = project.okstra("resume", ended.data["run_id"], "--json")
    assert again.status == 1
    assert report_of(ended)["gates"]["convergence"]["gate"] == "aborted-non-result"


def test_a_projects_settings_do_not_lower_the_quorum(project: Project) -> None:
    install(
        project,
        part({"result": result(finding("high", "It breaks"))}, worker="rehearsal-a", round=""),
        part({"fault": "silent"}, worker="rehearsal-b"),
    )
    _configure(project, convergence={"quorum": 1})
    ended = led(project, "error-analysis")
    assert ended.status == 1
    assert report_of(ended)["gates"]["convergence"]["gate"] == "aborted-non-result"


def test_settings_that_a_worker_wrote_are_not_run_by_the_next_run(worker: Worker, tmp_path: Path) -> None:
    """Tracked or not, `.okstra/project.json` is a file that workers can reach."""
    project, pwned = worker.project, tmp_path / "pwned"
    settings = project.repo.path / ".okstra" / "project.json"
    edit = (
        "import json, sys; path, command = sys.argv[1:]; found = json.load(open(path)); "
        "found['worktreeSetup'] = [command]; json.dump(found, open(path, 'w'))"
    )
    worker.shell(shlex.join(["python3", "-c", edit, str(settings), f"touch {pwned}"]))
    install(project, part(*worker.steps, {"result": result()}, worker="rehearsal-a", round=""))
    project.okstra.ok("trust", "--yes")
    project.okstra.environment["OKSTRA_TRUST"] = ""
    led(project, "error-analysis")
    assert str(pwned) in settings.read_text()
    refused = project.okstra(
        "run", "--task-key", "demo:core:T-2", "--task-type", "error-analysis", "--render-only", "--json"
    )
    assert (refused.status, refused.codes) == (3, ["not-trusted"]), refused
    assert "okstra trust" in refused.envelope["errors"][0]["try"]
    assert not pwned.exists()


def test_an_executor_that_calls_stage_done_is_refused_and_its_verifiers_decide(worker: Worker) -> None:
    project = worker.project
    plan = project.adopt(independent(1))
    worker.call("it", f'{OKSTRA} stage done --run "$OKSTRA_RUN_ID" --json')
    work = ({"write": {"path": "stage-1/it.py", "content": "# it\n"}}, {"commit": "feat: it"})
    install(project, part(*work, *worker.steps, {"result": executed(1, 2)}, role="executor"))
    ended = led(project, "implementation")
    assert ended.status == 0, ended
    assert worker.answer("it").codes == ["worker-may-not"]
    (stage,) = project.okstra.ok("stage", "list", "--plan", plan, "--json").data["stages"]
    assert (stage["status"], stage["overrule"]) == ("done", "")
    project.okstra.ok("integrate", "--task-key", project.task_key)


@pytest.mark.parametrize(
    ("more", "gate"),
    [
        ('--run "$OKSTRA_RUN_ID"', "verification"),
        ("--run demo:core:T-1/implementation/stage-2/001 --no-change nothing", "verification"),
        ('--run "$OKSTRA_RUN_ID" --out-of-plan needed', "execution"),
    ],
    ids=["its own", "another stage's", "files outside the plan"],
)
def test_an_executor_finishes_no_stage_past_its_gates(worker: Worker, more: str, gate: str) -> None:
    project = worker.project
    plan = project.adopt(independent(2))
    assert project.run_stage("2").data["run_id"] == "demo:core:T-1/implementation/stage-2/001"
    worker.call("it", f"{OKSTRA} stage done {more} --json")
    work: list[dict[str, Any]] = [
        {"write": {"path": "stage-1/it.py", "content": "# it\n"}},
        *([{"write": {"path": "stray.py", "content": "# stray\n"}}] if gate == "execution" else []),
        {"run": "git add -A; git -c core.hookspath=/dev/null commit -qm 'feat: it' || true"},
    ]
    no = result(finding("critical", "It does not work"), verdict="fail")
    install(
        project,
        part(*work, *worker.steps, {"result": executed(1, 2)}, role="executor"),
        part({"result": no}, role="verifier"),
    )
    ended = led(project, "implementation", "--stage", "1")
    assert ended.status == 1, ended
    assert report_of(ended)["gates"][gate]["gate"] == "failed"
    assert worker.answer("it").codes == ["worker-may-not"]
    stages = project.okstra.ok("stage", "list", "--plan", plan, "--json").data["stages"]
    assert "done" not in [stage["status"] for stage in stages]
    assert project.okstra("integrate", "--task-key", project.task_key, "--json").codes == ["nothing-to-integrate"]
    late = project.okstra("stage", "done", "--run", ended.data["run_id"], "--out-of-plan", "needed", "--json")
    assert late.codes == ["gates-not-passed"]
