"""One project id and several folders: a project that was moved, a second clone; and folders that can be no project."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from support import invariants, schemas
from support.okstra import Ended, Okstra, Project
from support.plans import independent
from support.rehearsal import led_args
from support.repos import Repo


def follow(project: Project, command: str) -> Ended:
    """Pastes a command that okstra printed."""
    words = shlex.split(command)
    assert words[0] == "okstra", command
    return project.okstra(*words[1:], "--json")


def the_error(ended: Ended) -> dict[str, Any]:
    (error,) = ended.envelope["errors"]
    return dict(error)


def moved_to(project: Project, name: str) -> Project:
    path = project.repo.path.parent / name
    project.repo.path.rename(path)
    environment = {name: value for name, value in project.okstra.environment.items() if name != "OKSTRA_PYTHON"}
    return Project(Repo(path, environment), Okstra(environment, path))


def cloned(project: Project) -> Project:
    """A second clone of a project whose settings are committed."""
    project.repo.git("add", ".okstra/project.json")
    project.repo.git("-c", "user.name=P", "-c", "user.email=p@e", "commit", "-q", "-m", "settings")
    path = project.repo.path.parent / "second clone"
    project.repo.git("clone", "-q", str(project.repo.path), str(path))
    environment = {name: value for name, value in project.okstra.environment.items() if name != "OKSTRA_PYTHON"}
    return Project(Repo(path, environment), Okstra(environment, path))


def other_task(task_id: str) -> list[str]:
    flags = ["--task-group", "core", "--task-id", task_id, "--task-type", "error-analysis"]
    return ["run", *flags, "--request=Do it.", "--render-only", "--json"]


class TestMoved:
    def test_what_run_and_check_project_say_leads_on(self, project: Project) -> None:
        project.adopt(independent(3))
        done, begun = project.run_stage(), project.run_stage()
        assert project.finish(done).status == 0
        (Path(begun.data["worktree"]["path"]) / "notes.txt").write_text("untracked\n")
        here = moved_to(project, "moved here")
        refused = here.run_stage()
        assert (refused.status, refused.codes) == (3, ["name-taken"])
        checked = here.okstra("check-project", "--json")
        assert checked.status == 4
        assert the_error(refused)["try"] == the_error(checked)["try"] == "okstra init --moved"
        moved = follow(here, the_error(refused)["try"])
        assert moved.status == 0, moved
        assert (moved.data["old"], moved.data["worktrees"], moved.data["claims"]) == ([str(project.repo.path)], 3, 3)
        assert here.okstra.ok("check-project", "--json").data["root"] == str(here.repo.path)
        assert here.okstra.ok("reconcile", "--json").data["findings"] == []
        places = {claim["project_root"] for claim in here.registry["stages"].values()}
        assert places == {str(here.repo.path)}
        assert all(Path(claim["plan"]).is_file() for claim in here.registry["stages"].values())
        invariants.check(here, worked_in=set(here.registry["stages"]))
        (Path(begun.data["worktree"]["path"]) / "notes.txt").unlink()
        assert here.finish(begun).status == 0
        assert here.run_stage().data["stage"] == 3
        assert here.okstra.ok("integrate", "--task-key", here.task_key, "--json").data["merged"] == [1, 2]
        rows = here.okstra.ok("list", "--json").data["runs"]
        assert {row["project_root"] for row in rows} == {str(here.repo.path)}

    def test_it_can_be_said_again_and_moved_again(self, project: Project) -> None:
        project.adopt(independent(1))
        run = project.run_stage()
        here = moved_to(project, "first")
        here.okstra.ok("setup", "--moved")
        assert here.okstra.ok("setup", "--moved").stdout == "nothing names another place\n"
        there = moved_to(here, "second")
        there.okstra.ok("setup", "--moved")
        assert there.finish(run).status == 0

    def test_a_led_run_is_read_and_resumed_where_it_is_now(self, project: Project) -> None:
        led = project.okstra(*led_args(project, "error-analysis"))
        assert led.status == 0, led
        prepared = project.okstra.ok(*led_args(project, "requirements-discovery"), "--render-only")
        here = moved_to(project, "moved")
        here.okstra.ok("setup", "--moved")
        shown = here.okstra.ok("show", led.data["run_id"], "--json").data
        assert Path(shown["launch_prompt"]).is_relative_to(here.repo.path)
        assert str(project.repo.path) + "/" not in Path(shown["launch_prompt"]).read_text()
        checked = here.okstra("check", "run", led.data["run_id"], "--json")
        assert checked.status == 0, checked
        resumed = here.okstra("resume", prepared.data["run_id"], "--json")
        assert resumed.status == 0, resumed

    def test_a_link_into_the_old_place_leads_to_the_new_one(self, project: Project) -> None:
        (project.repo.path / "cache").mkdir()
        (project.repo.path / ".gitignore").write_text("cache/\n")
        settings = project.repo.path / ".okstra" / "project.json"
        settings.write_text(json.dumps({**json.loads(settings.read_text()), "worktreeSyncDirs": ["cache"]}))
        project.run_phase()
        here = moved_to(project, "moved")
        here.okstra.ok("setup", "--moved")
        link = Path(here.registry["tasks"][here.task_key]["path"]) / "cache"
        assert link.readlink() == here.repo.path / "cache"

    def test_while_the_old_one_stands_it_is_a_second_clone(self, project: Project) -> None:
        project.run_phase()
        path = project.repo.path.parent / "copy"
        shutil.copytree(project.repo.path, path, symlinks=True)
        before = project.registry
        refused = project.okstra("setup", "--moved", "--json", cwd=path)
        assert (refused.status, refused.codes) == (3, ["project-stands"])
        assert project.registry == before

    def test_a_clone_of_a_project_that_is_gone_is_not_the_moved_one(self, project: Project) -> None:
        project.run_phase()
        clone = cloned(project)
        shutil.rmtree(project.repo.path)
        refused = clone.okstra("setup", "--moved", "--json")
        assert (refused.status, refused.codes) == (3, ["project-not-moved"])
        own = the_error(clone.run_phase())["try"]
        assert follow(clone, own).status == 0

    def test_a_clone_that_shares_the_id_does_not_stand_in_the_way(self, project: Project) -> None:
        project.run_phase()
        clone = cloned(project)
        clone.okstra.ok(*other_task("T-2"))
        here = moved_to(project, "moved")
        moved = follow(here, the_error(here.run_phase())["try"])
        assert (moved.status, moved.data["old"]) == (0, [str(project.repo.path)]), moved
        places = {key: claim["project_root"] for key, claim in here.registry["tasks"].items()}
        assert places == {"demo:core:T-1": str(here.repo.path), "demo:core:T-2": str(clone.repo.path)}
        assert here.run_phase().status == 0
        assert clone.okstra.ok(*other_task("T-2")).data["worktree"]["status"] == "reused"

    def test_a_rebuild_finds_a_moved_project_too(self, project: Project) -> None:
        project.adopt(independent(2))
        done, begun = project.run_stage(), project.run_stage()
        assert project.finish(done).status == 0
        here = moved_to(project, "moved")
        (here.home / "worktrees" / "registry.json").unlink()
        rebuilt = here.okstra.ok("reconcile", "--rebuild", "--json")
        assert (rebuilt.data["stages"], rebuilt.data["missing"]) == (2, [])
        assert here.registry["stages"][f"{here.task_key}#stage-1"]["status"] == "done"
        assert here.finish(begun).status == 0
        here.okstra.ok("worktree", "remove", f"{here.task_key}#stage-1")


class TestSecondClone:
    def test_it_gets_an_id_of_its_own_by_the_command_that_is_printed(self, project: Project) -> None:
        project.run_phase()
        clone = cloned(project)
        refused = clone.run_phase()
        assert (refused.status, refused.codes) == (3, ["name-taken"])
        assert str(project.repo.path) in the_error(refused)["message"]
        given = follow(clone, the_error(refused)["try"])
        assert given.status == 0, given
        local = clone.repo.path / ".okstra" / "project.local.json"
        assert (given.data["project_id"], given.data["config"]) == ("demo-2", str(local))
        assert schemas.faults_of_file(local) == []
        assert clone.repo.git("status", "--porcelain") == ""
        assert json.loads((clone.repo.path / ".okstra" / "project.json").read_text())["projectId"] == "demo"
        run = clone.okstra.ok(
            *("run", "--task-group", "core", "--task-id", "T-1", "--task-type", "error-analysis"),
            *("--request=Do it.", "--render-only", "--json"),
        )
        assert run.data["run_id"] == "demo-2:core:T-1/error-analysis/001"
        assert clone.okstra.ok("setup", "--project-id", "demo-2", "--yes", "--json").data["created"] is False
        assert clone.okstra.ok("check-project", "--json").data["checks"][0]["detail"] == "project id demo-2"
        assert project.run_phase("requirements-discovery").status == 0

    def test_check_project_warns_and_names_the_command(self, project: Project) -> None:
        project.run_phase()
        clone = cloned(project)
        rows = clone.okstra.ok("check-project", "--json").data["checks"]
        (row,) = [row for row in rows if row["check"] == "place"]
        assert (row["status"], row["remedy"]) == ("warn", "okstra setup --project-id demo-2 --yes")
        assert follow(clone, row["remedy"]).status == 0

    def test_one_with_worktrees_under_the_shared_id_is_told_of_other_tasks(self, project: Project) -> None:
        project.run_phase()
        clone = cloned(project)
        clone.okstra.ok(*other_task("T-2"))
        rows = clone.okstra.ok("check-project", "--json").data["checks"]
        hints = [row["remedy"] for row in rows if row["check"] == "place"]
        hints.append(the_error(clone.run_phase())["try"])
        hints.append(the_error(clone.okstra("setup", "--moved", "--json"))["try"])
        assert all("another task id" in hint and "setup" not in hint for hint in hints), hints
        assert clone.okstra.ok(*other_task("T-3")).data["worktree"]["status"] == "created"

    def test_it_can_have_its_own_id_before_anything_was_started(self, project: Project) -> None:
        clone = cloned(project)
        assert clone.okstra.ok("setup", "--project-id", "mine", "--yes", "--json").data["project_id"] == "mine"

    def test_a_project_with_tasks_keeps_its_id(self, project: Project) -> None:
        project.run_phase()
        cloned(project)
        refused = project.okstra("setup", "--project-id", "other", "--yes", "--json")
        assert (refused.status, refused.codes) == (3, ["project-exists"])
        assert not (project.repo.path / ".okstra" / "project.local.json").exists()

    def test_settings_that_nobody_shares_are_edited_instead(self, project: Project) -> None:
        refused = project.okstra("setup", "--project-id", "other", "--yes", "--json")
        assert (refused.status, refused.codes) == (3, ["project-exists"])

    def test_a_moved_project_is_not_given_another_id(self, project: Project) -> None:
        project.run_phase()
        here = moved_to(project, "moved")
        refused = here.okstra("setup", "--project-id", "other", "--yes", "--json")
        assert refused.codes == ["project-exists"]
        assert follow(here, the_error(refused)["try"]).status == 0

    @pytest.mark.parametrize("text", ["{", "[]", '{"schema": "project-local/2"}', '{"schema": "project-local/1"}'])
    def test_a_damaged_file_of_the_clone_is_named(self, project: Project, text: str) -> None:
        (project.repo.path / ".okstra" / "project.local.json").write_text(text)
        ended = project.run_phase()
        assert ended.status in (2, 65) and "project.local.json" in the_error(ended)["where"]
        rows = project.okstra("check-project", "--json").data["checks"]
        assert rows[0]["status"] == "fail"


class TestUnfit:
    def test_outside_git_it_is_warned(self, environment: dict[str, str], tmp_path: Path) -> None:
        folder = tmp_path / "plain"
        folder.mkdir()
        ended = Okstra(environment, folder).ok("setup", "--project-id", "plain", "--yes", "--json")
        (warning,) = ended.data["warnings"]
        assert warning.startswith("this is no git repository")
        assert f"okstra: warning: {warning}" in ended.stderr
        again = Okstra(environment, folder).ok("setup", "--project-id", "plain", "--yes", "--json")
        assert again.data["warnings"] == [warning]

    def test_in_git_it_is_not(self, project: Project) -> None:
        ended = project.okstra.ok("setup", "--project-id", "demo", "--yes", "--json")
        assert (ended.data["warnings"], ended.stderr) == ([], "")

    def test_outside_git_no_folder_above_okstras_home_is_taken(
        self, environment: dict[str, str], tmp_path: Path
    ) -> None:
        folder = tmp_path / "plain"
        (folder / "own").mkdir(parents=True)
        okstra = Okstra({**environment, "OKSTRA_HOME": str(folder / "own")}, folder)
        assert okstra("setup", "--project-id", "plain", "--yes", "--json").codes == ["folder-unfit"]

    @pytest.mark.parametrize("place", ["", ".okstra", ".okstra/worktrees/x", ".."])
    @pytest.mark.parametrize("with_git", [True, False])
    def test_the_home_folder_and_okstras_own_are_refused(
        self, environment: dict[str, str], place: str, with_git: bool
    ) -> None:
        folder = Path(environment["HOME"]) / place
        folder.mkdir(parents=True, exist_ok=True)
        if with_git:
            Repo(folder, environment).git("init", "-q")
        ended = Okstra(environment, folder)("setup", "--project-id", "demo", "--yes", "--json")
        assert (ended.status, ended.codes) == (3, ["folder-unfit"]), ended
        assert not (folder / ".okstra" / "project.json").exists()
