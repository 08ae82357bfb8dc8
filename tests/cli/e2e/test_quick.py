"""`run --quick`: one stage from a sentence and a check, without a planning run."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from okstra_ctl.plan import plans
from okstra_ctl.prepare.quick import checked_plan, plan_text
from support.faults import Preload, Scene
from support.okstra import Ended, Okstra
from support.repos import Repo
from support.sealed import ROOT, sealed_environment
from support.terminal import Terminal

KEY = "shop:tasks:sums-are-off"
QUICK = ("run", "Sums are off", "--quick", "--provider", "rehearsal")


@pytest.fixture
def shop(tmp_path: Path) -> Okstra:
    (tmp_path / "home").mkdir()
    environment = sealed_environment(tmp_path / "home")
    repo = Repo.init(tmp_path / "shop", environment)
    repo.commit({"notes.txt": "nothing to test\n"}, "docs: notes")
    okstra = Okstra(environment, repo.path)
    okstra.ok("init", "--yes")
    return okstra


def tasks(okstra: Okstra) -> list[str]:
    return [str(path.relative_to(okstra.cwd)) for path in (okstra.cwd / ".okstra").glob("tasks/*/*")]


def refused(okstra: Okstra, *words: str) -> Ended:
    """A call that writes nothing."""
    ended = okstra(*words, "--json")
    assert ended.status != 0 and tasks(okstra) == [], ended
    return ended


def test_a_quick_stage_is_built_and_its_task_goes_on_to_the_verification(shop: Okstra) -> None:
    built = shop.ok(*QUICK, "--check", "test -f lib/rehearsal.txt", "--files", "lib/**", "--yes", "--approve", "--json")
    assert built.data["run_id"] == f"{KEY}/implementation/stage-1/001"
    assert built.data["token"] == "done"
    shown = shop.ok("plan", "show", "sums-are-off", "--json").data
    assert shown["approved"] is True
    (stage,) = shown["stages"]
    assert (stage["title"], stage["files"], stage["exit_check"]) == (
        "Sums are off",
        ["lib/**"],
        "test -f lib/rehearsal.txt",
    )
    assert shop.ok("next", "--json").data["next"].startswith("okstra integrate")
    again = shop(*QUICK, "--task-key", KEY, "--check", "true", "--approve", "--json")
    assert (again.status, again.codes) == (2, ["usage"])
    assert "has a plan already" in again.envelope["errors"][0]["message"]


def test_what_a_quick_stage_lacks_is_said_before_anything_is_written(shop: Okstra) -> None:
    no_check = refused(shop, *QUICK, "--yes", "--approve")
    assert (no_check.status, no_check.codes) == (2, ["input-missing"])
    assert "--check" in no_check.envelope["errors"][0]["try"]
    assert refused(shop, *QUICK, "--yes", "--check", "true").codes == ["input-missing"]
    assert refused(shop, *QUICK, "--check", "true", "--approve", "--files", "../x").codes == ["plan-invalid"]
    assert refused(shop, "run", " ", "--quick", "--check", "true", "--approve").codes == ["request-missing"]
    for words, hint in (
        (("run",), 'okstra run "what is wanted"'),
        (("run", ""), 'okstra run "what is wanted"'),
        (("run", "--quick", "--check", "true"), 'okstra run --quick "what is wanted"'),
    ):
        silent = refused(shop, *words)
        assert (silent.codes, silent.envelope["errors"][0]["try"].replace("'", '"')) == (["request-missing"], hint)
    assert refused(shop, *QUICK, "--check", "true", "--approve", "--stage", "2").codes == ["usage"]
    assert refused(shop, "run", "x y", "--check", "true").codes == ["usage"]
    clients = refused(shop, "run", "x", "--quick", "--check", "true", "--approve", "--lead", "auto", "--workers", "me")
    assert clients.codes == ["unknown-worker"]
    shop.ok("config", "set", "--project", "qaCommands", "make lint", "make test")
    shown = shop.ok(*QUICK, "--dry-run", "--json")
    assert "`make lint && make test`" in shown.data["plan"]
    assert "| `**` |" in shown.data["plan"]
    assert tasks(shop) == []


def test_a_kill_before_the_plan_is_there_leaves_a_task_that_goes_on_quickly(shop: Okstra, tmp_path: Path) -> None:
    preload, words = Preload.build(tmp_path), ("--check", "test -f lib/it", "--files", "lib/**", "--yes", "--approve")
    scenes = [Scene(tmp_path / name) for name in ("shop", "home")]
    for scene in scenes:
        scene.keep()
    ended, points = preload.points(shop, *QUICK, *words, "--render-only", "--json")
    assert ended.status == 0, ended
    for scene in scenes:
        scene.restore()
    plan = next(point for point in points if "/implementation-planning" in point.path)
    preload.strike(shop, (*QUICK, *words, "--render-only"), at=plan.number, do="group")
    step = shop.ok("next", KEY, "--json").data["next"]
    again = "--quick --check 'test -f lib/it' --files 'lib/**'"
    assert step == f"okstra run --task-key {KEY} --task-type implementation {again}"
    made = shop.ok(*shlex.split(step)[1:], "--provider", "rehearsal", "--yes", "--approve", "--render-only", "--json")
    assert made.data["run_id"] == f"{KEY}/implementation/stage-1/001"
    assert "Sums are off" in (shop.cwd / ".okstra/tasks/tasks/sums-are-off/brief.md").read_text()


def test_the_question_is_asked_at_a_terminal_and_a_no_writes_nothing(shop: Okstra) -> None:
    argv = [str(ROOT / "bin" / "okstra"), *QUICK, "--check", "test -f it", "--yes", "--render-only"]
    for answer, status in (("n", 3), ("y", 0)):
        terminal = Terminal(argv, shop.cwd, shop.environment)
        terminal.wait_for("test -f it")
        terminal.wait_for("approve 1 stage(s)? [y/N]")
        terminal.type(f"{answer}\r")
        assert terminal.end() == status, terminal.all_shown
        assert tasks(shop) == ([".okstra/tasks/tasks/sums-are-off"] if answer == "y" else [])


def test_a_brief_names_its_task_by_its_title(shop: Okstra) -> None:
    brief = shop.cwd.parent / "b.md"
    brief.write_text("---\ncategory: bugfix\n---\n\nCount me in | out.\n", encoding="utf-8")
    words = ("run", "--quick", "--task-brief", str(brief), "--check", "true", "--approve", "--provider", "rehearsal")
    made = shop.ok(*words, "--render-only", "--json")
    assert made.data["task_key"] == "shop:tasks:count-me-in-out"
    manifest = json.loads((shop.cwd / ".okstra/tasks/tasks/count-me-in-out/task-manifest.json").read_text())
    assert manifest["title"] == "Count me in | out."
    analysis = shop.ok("run", "--task-brief", str(brief), "--provider", "rehearsal", "--render-only", "--json")
    assert analysis.data["run_id"] == "shop:tasks:count-me-in-out-2/requirements-discovery/001"


@pytest.mark.parametrize("check", ["make test", "a | b && c `d` | e", "grep -E '^| x' f"])
@pytest.mark.parametrize("title", ["Sums", "A | b `c` <b> #", "합계가 다르다", "1. [x](y) *z*"])
def test_whatever_is_asked_for_the_plan_keeps_the_rules_and_means_it(check: str, title: str) -> None:
    checked, stage_map = checked_plan(plan_text(title, check, ["src/**", "tests/*.py"]))
    (stage,) = stage_map.stages
    assert stage.exit_check == check
    assert stage.files == ("src/**", "tests/*.py")
    assert [finding.rule for finding in checked.findings] == ["S12"]
    assert plans.check_text("p", plan_text(title, check, ["**"])).errors == []
