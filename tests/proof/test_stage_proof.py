"""A stage is done when its exit check needs its code: what passes without it is refused, with what to look at."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from okstra_ctl.sandbox.choice import Kind
from support.contained_lab import can_contain
from support.okstra import Ended, Project
from support.plans import plan_text
from support.schemas import faults_of_file

CHECK = "python3 -m unittest discover -s tests -t ."
TEST = """import unittest
{imports}

class Adds(unittest.TestCase):
    def test_it(self):
        self.assertEqual({claim}, 3)
"""


class Stage:
    """A prepared stage of a small Python project: `app/` and `tests/` are its files."""

    def __init__(self, project: Project, check: str = CHECK, proof: str = "red-green") -> None:
        self.project = project
        text = plan_text({1: ()}, exit_check=check.replace("|", "\\|"), proof=proof)
        text = text.replace("`stage-1/**`", "`**`").replace("`stage-1/test_it.py`", "`tests/test_app.py`")
        project.adopt_text(text.replace("`stage-1/it.py`", "`app/add.py`"))
        self.run = project.run_stage()
        assert self.run.status == 0, self.run
        self.at = Path(self.run.data["worktree"]["path"])

    def commit(self, files: dict[str, str]) -> str:
        return self.project.repo.commit(files, at=self.at)

    def done(self, *more: str, **environment: str) -> Ended:
        return self.project.okstra("stage", "done", "--run", self.run.data["run_id"], *more, "--json", **environment)

    @property
    def record(self) -> dict[str, object]:
        path = Path(self.run.data["run_dir"]) / "state" / "exit-check-001.json"
        assert faults_of_file(path) == []
        found: dict[str, object] = json.loads(path.read_text())["proof"]
        return found

    @property
    def states(self) -> list[str]:
        listed = self.project.okstra.ok("stage", "list", "--task-key", self.project.task_key, "--json")
        return [stage["proof"] for stage in listed.data["stages"]]


def _refused(ended: Ended, code: str, *words: str) -> None:
    assert (ended.status, ended.codes) == (1, [code]), ended
    (error,) = ended.envelope["errors"]
    for word in words:
        assert word in error["message"] + error["try"], error


def _tests(claim: str = "add(1, 2)", imports: str = "from app.add import add") -> dict[str, str]:
    return {"tests/__init__.py": "", "tests/test_app.py": TEST.format(claim=claim, imports=imports)}


CODE = {"app/__init__.py": "", "app/add.py": "def add(a, b):\n    return a + b\n"}


def test_a_test_that_needs_the_code_proves_the_stage_and_the_ledger_says_so(project: Project) -> None:
    stage = Stage(project)
    head = stage.commit({**CODE, **_tests()})
    done = stage.done()
    assert (done.status, done.data["proof"]) == (0, "proven"), done
    (row,) = (row for row in project.ledger if row["status"] == "done")
    assert (row["proof"], row["head_commit"], "unproven" in row) == ("proven", head, False)
    assert stage.states == ["proven"]
    assert stage.record["tests"] == ["tests/__init__.py", "tests/test_app.py"]
    assert stage.record["base_exit"] not in (0, None)


def test_a_tautology_is_refused_until_a_person_answers_for_it(project: Project) -> None:
    stage = Stage(project)
    stage.commit({**CODE, **_tests(claim="1 + 2", imports="")})
    _refused(stage.done(), "stage-unproven", "passes without this stage's code", "import from this checkout")
    _refused(stage.done(), "stage-unproven", "kept as tests: tests/__init__.py, tests/test_app.py")
    for option in ("--unproven", "--overrule", "--no-change", "--out-of-plan"):
        blank = stage.done(option, "  ")
        assert (blank.status, blank.codes) == (2, ["input-missing"]), blank
    assert [row["status"] for row in project.ledger] == ["started"]
    assert stage.record["outcome"] == "unproven"
    backfilled = project.okstra.ok("backfill", "--json").data
    assert "passes without its code" in json.dumps(backfilled)
    assert [row["status"] for row in project.ledger] == ["started"]
    done = stage.done("--unproven", "the test pins a constant")
    assert (done.status, done.data["proof"]) == (0, "unproven"), done
    (row,) = (row for row in project.ledger if row["status"] == "done")
    assert (row["proof"], row["unproven"]) == ("unproven", "the test pins a constant")
    assert "done (unproven)" in project.okstra.ok("stage", "list", project.task_key).stdout


def test_a_stage_of_tests_alone_is_unproven_and_its_check_runs_once(project: Project) -> None:
    runs = project.repo.path.parent / "runs"
    stage = Stage(project, check=f"printf x >> {runs}; test $(wc -c < {runs}) = 1")
    stage.commit(_tests())
    _refused(stage.done(), "stage-unproven", "changes no code", "tests/test_app.py", "none: WHY")
    assert (runs.read_text(), stage.record["base"]) == ("x", "")


def test_a_check_that_is_missing_at_the_base_proves_and_is_shown_to_a_person(project: Project) -> None:
    stage = Stage(project, check="bash app/check")
    stage.commit({**CODE, "app/check": "exit 0\n"})
    done = stage.done()
    assert (done.status, done.data["proof"]) == (0, "proven"), done
    assert stage.record["doubt"] == done.data["doubt"] == "the check itself was missing at the base: exit 127"


def _with_an_editable_install_of_main(project: Project) -> tuple[Stage, Path]:
    """A stage whose module can't even be imported, and a virtual environment that leads to the main checkout's."""
    project.repo.commit({"src/calc.py": "def add(a, b):\n    return a + b\n", ".gitignore": ".venv/\n"})
    venv = project.repo.path / ".venv"
    site = venv / "lib" / "python3" / "site-packages"
    site.mkdir(parents=True)
    (venv / "pyvenv.cfg").write_text("home = /usr/bin\n")
    (site / "__editable__.calc-1.pth").write_text(f"{project.repo.path}/src\n")
    script = f"import site, sys, unittest\nsite.addsitedir({str(site)!r})\nsys.path.insert(0, '.')\n"
    (venv / "check.py").write_text(f"{script}unittest.main('tests.test_app')\n")
    stage = Stage(project, check=f"python3 {venv}/check.py")
    stage.commit({"src/calc.py": "raise SystemExit\n", **_tests(imports="from calc import add")})
    return stage, venv


def test_a_stage_for_which_the_main_checkouts_editable_install_answers_is_refused(project: Project) -> None:
    stage, venv = _with_an_editable_install_of_main(project)
    refused = stage.done(VIRTUAL_ENV=str(venv))
    _refused(refused, "stage-unproven", "an editable install", "__editable__.calc-1.pth", f"{project.repo.path}/src")
    assert "not contained" in refused.envelope["errors"][0]["try"]
    assert "editable" in json.dumps(stage.record["causes"])


@pytest.mark.contained
def test_contained_it_finds_no_module_of_the_main_checkout_and_says_the_same(project: Project) -> None:
    if not can_contain(Kind.BWRAP):
        pytest.skip("no sandbox starts here")
    stage, venv = _with_an_editable_install_of_main(project)
    refused = stage.done(VIRTUAL_ENV=str(venv))
    _refused(refused, "exit-check-failed", "an editable install", "__editable__.calc-1.pth", "worktreeSetup")
    log = (Path(stage.run.data["run_dir"]) / "logs" / "exit-check-001.log").read_text()
    assert "No module named 'calc'" in log, "the virtual environment itself is shown"


def test_what_only_the_executors_worktree_has_makes_no_check_green(project: Project) -> None:
    """An ignored file, a stale build, and an edit behind an index flag."""
    project.repo.commit({".gitignore": "made.txt\nbuild/\n"})
    stage = Stage(project, check="test -e made.txt || grep -q made build/app.js app/add.py")
    stage.commit({**CODE, **_tests()})
    (stage.at / "made.txt").write_text("made\n")
    (stage.at / "build").mkdir()
    (stage.at / "build" / "app.js").write_text("made\n")
    _refused(stage.done(), "exit-check-failed", "fresh checkout")
    project.repo.git("-C", str(stage.at), "update-index", "--assume-unchanged", "app/add.py")
    (stage.at / "app" / "add.py").write_text(CODE["app/add.py"] + "made = True\n")
    refused = stage.done()
    assert (refused.status, refused.codes) == (3, ["worktree-dirty"])


def test_a_check_that_can_not_fail_is_warned_of_in_the_plan_and_refused(project: Project) -> None:
    stage = Stage(project, check=f"{CHECK} || true")
    stage.commit({**CODE, **_tests()})
    _refused(stage.done(), "stage-unproven", "passes without this stage's code")
    plan = next((project.task_root / "runs/implementation-planning/reports").glob("*.md"))
    findings = project.okstra("plan", "check", plan, "--json").data["findings"]
    assert [row["rule"] for row in findings if "green whatever" in row["message"]] == ["S6"]


def test_a_refactoring_is_green_before_and_after(project: Project) -> None:
    project.repo.commit({**CODE, **_tests()})
    stage = Stage(project, proof="kept-green")
    stage.commit({"app/add.py": "def add(*numbers):\n    return sum(numbers)\n"})
    done = stage.done()
    assert (done.status, done.data["proof"]) == (0, "kept-green"), done


def test_what_claims_to_be_a_refactoring_must_be_green_at_the_base(project: Project) -> None:
    stage = Stage(project, proof="kept-green")
    stage.commit({**CODE, **_tests()})
    _refused(stage.done(), "stage-unproven", "not green at the stage's base")


def test_documents_need_no_proof_but_the_reason_and_a_green_check(project: Project) -> None:
    stage = Stage(project, check="test -s guide.md", proof="none: documentation")
    stage.commit({"other.md": "x\n"})
    _refused(stage.done(), "exit-check-failed")
    stage.commit({"guide.md": "# Guide\n"})
    done = stage.done()
    assert (done.status, done.data["proof"]) == (0, "none"), done
    assert stage.record["base_exit"] is None


def test_without_tests_of_its_own_a_stage_is_red_at_the_base(project: Project) -> None:
    stage = Stage(project, check="python3 -c 'import app.add'")
    stage.commit(CODE)
    done = stage.done()
    assert (done.status, done.data["proof"]) == (0, "proven"), done
    assert stage.record["tests"] == []
