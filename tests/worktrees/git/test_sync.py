"""What a new worktree gets besides git's files: the sync list and the set-up commands."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from support import invariants
from support.faults import eventually
from support.okstra import Ended, Project
from support.plans import independent

IGNORED = ".env\ncache/\nnode_modules/\nlib/\nvendor/\nsecret/\nlinks/\nnested/\nmarker\n"


@pytest.fixture
def synced(project: Project) -> Project:
    """A project whose main worktree has files that git ignores, and a plan of two stages."""
    project.repo.commit({".gitignore": IGNORED, "config/app.txt": "tracked\n"}, "Ignore")
    project.adopt(independent(2))
    return project


def configure(project: Project, **settings: Any) -> None:
    path = project.repo.path / ".okstra" / "project.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}), encoding="utf-8")


def put(project: Project, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = project.repo.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def stage_of(run: Ended) -> Path:
    assert run.status == 0, run
    return Path(run.data["worktree"]["path"])


def notes_of(run: Ended) -> Sequence[str]:
    notes: list[str] = json.loads(Path(run.data["manifest"]).read_text())["notes"]
    return notes


def check_refused_run_left_nothing(project: Project) -> None:
    assert not (project.home / "worktrees" / "registry.json").exists() or project.registry["stages"] == {}
    assert project.ledger == []
    assert not list((project.home / "worktrees").glob("*/*/*/stage-*"))
    assert not any(branch.startswith("feat-t-1-s") for branch in project.repo.branches())
    assert not list(project.task_root.glob("runs/implementation/stage-*/manifests/*"))
    invariants.check(project)


def test_files_are_copied_and_folders_linked_by_default(synced: Project) -> None:
    put(synced, {".env": "KEY=1\n", "cache/a/b.bin": "b\n"})
    configure(synced, worktreeSyncDirs=[".env", "cache"])
    at = stage_of(synced.run_stage())
    assert (at / ".env").read_text() == "KEY=1\n" and not (at / ".env").is_symlink()
    assert (at / "cache").is_symlink() and (at / "cache").resolve() == synced.repo.path / "cache"
    (at / ".env").write_text("KEY=2\n")
    assert (synced.repo.path / ".env").read_text() == "KEY=1\n"
    task = Path(synced.registry["tasks"][synced.task_key]["path"])
    assert (task / ".env").read_text() == "KEY=1\n" and (task / "cache").is_symlink()
    invariants.check(synced)


def test_a_mode_is_followed(synced: Project) -> None:
    put(synced, {".env": "KEY=1\n", "cache/a/b.bin": "b\n"})
    configure(synced, worktreeSyncDirs=[{"path": ".env", "mode": "symlink"}, {"path": "cache/", "mode": "copy"}])
    at = stage_of(synced.run_stage())
    assert os.readlink(at / ".env") == str(synced.repo.path / ".env")
    assert not (at / "cache").is_symlink() and (at / "cache/a/b.bin").read_text() == "b\n"
    (at / "cache/a/b.bin").unlink()
    assert (synced.repo.path / "cache/a/b.bin").exists()


def test_a_copy_keeps_modes_times_and_links(synced: Project) -> None:
    put(synced, {"cache/tool": "#!/bin/sh\n"})
    tool = synced.repo.path / "cache" / "tool"
    tool.chmod(0o755)
    os.utime(tool, (1_000_000_000, 1_000_000_000))
    (synced.repo.path / "cache" / "to tool").symlink_to("tool")
    configure(synced, worktreeSyncDirs=[{"path": "cache", "mode": "copy"}])
    copied = stage_of(synced.run_stage()) / "cache"
    assert (copied / "tool").stat().st_mode & 0o777 == 0o755
    assert (copied / "tool").stat().st_mtime == 1_000_000_000
    assert os.readlink(copied / "to tool") == "tool"


@pytest.mark.parametrize(
    ("listed", "holds"),
    [
        ({"path": "node_modules", "mode": "symlink"}, "node_modules/left-pad/index.js"),
        ("vendor", "vendor/bundle/x.rb"),
        ({"path": "lib", "mode": "symlink"}, "lib/node_modules/left-pad/index.js"),
        ({"path": "nested", "mode": "symlink"}, "nested/app/web/node_modules/left-pad/index.js"),
    ],
)
def test_what_a_package_manager_writes_is_never_linked(synced: Project, listed: object, holds: str) -> None:
    """Also inside a linked folder: `npm ci` in the worktree would empty the main one's."""
    put(synced, {holds: "module\n"})
    configure(synced, worktreeSyncDirs=[listed])
    run = synced.run_stage()
    at = stage_of(run)
    assert (at / holds).read_text() == "module\n"
    assert (at / holds).resolve() == at.resolve() / holds
    (at / holds).unlink()
    assert (synced.repo.path / holds).read_text() == "module\n"
    assert any("copied, not linked" in note for note in notes_of(run))


def test_what_git_tracks_is_never_overwritten(synced: Project) -> None:
    put(synced, {"config/app.txt": "changed in main, not committed\n", "config/local.txt": "local\n"})
    configure(synced, worktreeSyncDirs=["config/app.txt", "config"])
    run = synced.run_stage()
    at = stage_of(run)
    assert (at / "config/app.txt").read_text() == "tracked\n"
    assert not (at / "config").is_symlink()
    assert any("config/app.txt: tracked by git" in note for note in notes_of(run))


def test_a_tracked_file_that_the_worktree_lacks_is_not_brought_in(synced: Project) -> None:
    """Deleted on the base: the sync list must not bring it back."""
    synced.repo.commit({"gone.txt": "old\n"})
    synced.repo.git("rm", "--quiet", "gone.txt")
    synced.repo.commit({}, "Remove")
    configure(synced, worktreeSyncDirs=["gone.txt"])
    run = synced.run_stage()
    assert not (stage_of(run) / "gone.txt").exists()
    assert any("gone.txt: not in the main worktree" in note for note in notes_of(run))


def test_an_entry_that_is_missing_is_noted(synced: Project) -> None:
    put(synced, {".env": "KEY=1\n"})
    configure(synced, worktreeSyncDirs=["no-such-file", ".env"])
    run = synced.run_stage()
    assert (stage_of(run) / ".env").exists()
    assert "no-such-file: not in the main worktree" in notes_of(run)


def test_an_entry_in_a_folder_that_git_does_not_have(synced: Project) -> None:
    put(synced, {"secret/deep/key.pem": "k\n"})
    configure(synced, worktreeSyncDirs=["secret/deep/key.pem"])
    assert (stage_of(synced.run_stage()) / "secret/deep/key.pem").read_text() == "k\n"


@pytest.mark.parametrize("name", ["-n", "--help", "a b", "한글.env", "new\nline", "*"])
def test_an_entry_with_any_name(synced: Project, name: str) -> None:
    (synced.repo.path / ".git" / "info" / "exclude").write_text("/-*\n/a b\n/한글.env\n/new*\n/?\n")
    put(synced, {name: "x\n"})
    configure(synced, worktreeSyncDirs=[name])
    assert (stage_of(synced.run_stage()) / name).read_text() == "x\n"


@pytest.mark.parametrize(
    "path", ["../outside", "a/../../outside", "/etc/hostname", ".", "", ".git/config", ".okstra", "~"]
)
@pytest.mark.parametrize("by", ["settings", "variable"])
def test_a_path_that_leads_outside_is_an_error(synced: Project, path: str, by: str) -> None:
    if by == "variable" and not path:
        return  # an empty part between two colons is no path
    (synced.repo.path.parent / "outside").write_text("outside\n")
    variables = {}
    if by == "settings":
        configure(synced, worktreeSyncDirs=[path])
    else:
        variables["OKSTRA_WORKTREE_SYNC_DIRS"] = path
    refused = synced.run_stage(**variables)
    assert (refused.status, refused.codes) == (2, ["bad-sync-path"]), refused
    assert repr(path) in refused.envelope["errors"][0]["message"]
    check_refused_run_left_nothing(synced)


@pytest.mark.parametrize("made", ["links/out", "links", "links/deep/x.txt"])
def test_a_link_that_leads_outside_is_an_error(synced: Project, made: str) -> None:
    outside = synced.repo.path.parent / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep" / "x.txt").write_text("outside\n")
    if made == "links/out":
        (synced.repo.path / "links").mkdir()
        (synced.repo.path / "links" / "out").symlink_to(outside)
    else:
        (synced.repo.path / "links").symlink_to(outside)
    configure(synced, worktreeSyncDirs=[made])
    refused = synced.run_stage()
    assert (refused.status, refused.codes) == (2, ["bad-sync-path"]), refused
    assert str(outside) in refused.envelope["errors"][0]["message"]
    check_refused_run_left_nothing(synced)


def test_an_entry_never_writes_through_a_tracked_link_out_of_the_worktree(synced: Project) -> None:
    """git tracks `links -> ../outside`; in main a real folder stands there. Nothing may land in `outside`."""
    synced.repo.git("config", "core.symlinks", "true")
    ignore = synced.repo.path / ".gitignore"
    ignore.write_text(IGNORED.replace("links/\n", ""))
    outside = synced.home / "worktrees" / "demo" / "core" / "outside"
    outside.mkdir(parents=True)
    (synced.repo.path / "links").symlink_to("../../outside")
    synced.repo.commit({}, "Track a link")
    (synced.repo.path / "links").unlink()
    put(synced, {"links/in.txt": "x\n"})
    configure(synced, worktreeSyncDirs=["links/in.txt"])
    refused = synced.run_stage()
    assert list(outside.iterdir()) == [], "written outside the worktree"
    assert refused.codes == ["bad-sync-path"], refused
    outside.rmdir()
    check_refused_run_left_nothing(synced)


def test_the_variable_overrides_the_settings_and_empty_turns_sync_off(synced: Project) -> None:
    put(synced, {".env": "KEY=1\n", "cache/a.bin": "a\n"})
    configure(synced, worktreeSyncDirs=[".env"])
    first = stage_of(synced.run_stage(OKSTRA_WORKTREE_SYNC_DIRS="cache"))
    assert (first / "cache").is_symlink() and not (first / ".env").exists()
    second = stage_of(synced.run_stage(OKSTRA_WORKTREE_SYNC_DIRS=""))
    assert not (second / "cache").exists() and not (second / ".env").exists()


@pytest.mark.parametrize("given", [".env,cache", ".env;cache", "README.md:.env, cache"])
def test_paths_with_commas_between_them_are_refused_with_the_list_as_it_should_be(synced: Project, given: str) -> None:
    put(synced, {".env": "KEY=1\n", "cache/a.bin": "a\n"})
    refused = synced.run_stage(OKSTRA_WORKTREE_SYNC_DIRS=given)
    assert (refused.status, refused.codes) == (2, ["bad-sync-path"]), refused
    assert "OKSTRA_WORKTREE_SYNC_DIRS=.env:cache" in refused.envelope["errors"][0]["try"]
    check_refused_run_left_nothing(synced)


def test_a_file_whose_name_has_a_comma_is_brought(synced: Project) -> None:
    put(synced, {"a,b.txt": "1\n"})
    stage = stage_of(synced.run_stage(OKSTRA_WORKTREE_SYNC_DIRS="a,b.txt"))
    assert (stage / "a,b.txt").read_text() == "1\n"


def test_an_empty_list_turns_sync_off(synced: Project) -> None:
    put(synced, {".env": "KEY=1\n"})
    configure(synced, worktreeSyncDirs=[])
    assert not (stage_of(synced.run_stage()) / ".env").exists()


def test_synced_files_are_no_dirt_when_git_ignores_them(synced: Project) -> None:
    put(synced, {".env": "KEY=1\n"})
    configure(synced, worktreeSyncDirs=[".env"])
    run = synced.run_stage()
    assert synced.finish(run).status == 0


# worktreeSetup


def test_set_up_commands_run_in_the_worktree_and_their_output_is_kept(synced: Project) -> None:
    configure(synced, worktreeSetup=["pwd", "echo 'from stderr' >&2; touch marker", "test -e marker && echo again"])
    run = synced.run_stage()
    at = stage_of(run)
    assert (at / "marker").exists()
    log = Path(run.data["run_dir"]) / "logs" / "worktree-setup-001.log"
    assert log.read_text().splitlines() == [
        "$ pwd",
        str(at),
        "$ echo 'from stderr' >&2; touch marker",
        "from stderr",
        "$ test -e marker && echo again",
        "again",
    ]


def test_set_up_comes_after_the_sync_list_and_asks_nobody(synced: Project) -> None:
    put(synced, {".env": "KEY=1\n"})
    configure(synced, worktreeSyncDirs=[".env"], worktreeSetup=["cat .env; read answer || echo 'no answer'"])
    run = synced.run_stage()
    log = Path(run.data["run_dir"]) / "logs" / "worktree-setup-001.log"
    assert stage_of(run) and log.read_text().splitlines()[1:] == ["KEY=1", "no answer"]


def test_set_up_gets_the_persons_locale_and_not_gits_own_variables(synced: Project) -> None:
    configure(synced, worktreeSetup=["echo $LC_ALL; env | grep ^GIT_DIR= || echo none"])
    run = synced.run_stage(LC_ALL="POSIX", GIT_DIR="/nowhere")
    log = Path(run.data["run_dir"]) / "logs" / "worktree-setup-001.log"
    assert log.read_text().splitlines()[1:] == ["POSIX", "none"]


@pytest.mark.parametrize("where", ["stage", "task"])
def test_a_failing_set_up_fails_the_run_and_keeps_the_log(synced: Project, where: str) -> None:
    if where == "stage":
        assert synced.run_phase().status == 0  # the task worktree is made without the command
    configure(synced, worktreeSetup=["echo begun", "echo 'no such package' >&2; exit 7", "echo never"])
    failed = synced.run_stage()
    assert (failed.status, failed.codes) == (1, ["worktree-setup-failed"])
    error = failed.envelope["errors"][0]
    assert "exit 7" in error["message"] and "ended with 7" in error["message"]
    log = Path(error["where"])
    assert "no such package" in log.read_text() and "never" not in log.read_text()
    check_refused_run_left_nothing(synced)
    configure(synced, worktreeSetup=[])
    assert synced.run_stage().data["stage"] == 1


def test_a_failing_set_up_of_an_analysis_keeps_its_log(synced: Project) -> None:
    configure(synced, worktreeSetup=["echo broken; exit 1"])
    failed = synced.run_phase()
    assert failed.codes == ["worktree-setup-failed"]
    assert "broken" in Path(failed.envelope["errors"][0]["where"]).read_text()
    assert synced.registry["tasks"] == {}
    check_refused_run_left_nothing(synced)


def test_a_stopped_run_leaves_no_set_up_behind(synced: Project) -> None:
    """Ctrl-C while `npm ci` runs: the worktree is taken back, exit 130."""
    configure(synced, worktreeSetup=["touch marker; sleep 30"])
    process = synced.okstra.start(*synced.run_args())
    marker = synced.home / "worktrees/demo/core/t-1/task/marker"
    eventually(marker.exists, 60)
    os.killpg(process.pid, 2)
    stdout, stderr = process.communicate(timeout=60)
    ended = Ended(process.returncode, stdout, stderr)
    assert (ended.status, ended.codes) == (130, ["interrupted"]), ended
    check_refused_run_left_nothing(synced)


def test_a_set_up_command_is_red_when_any_command_of_its_pipe_is(synced: Project) -> None:
    configure(synced, worktreeSetup=["npm_nope ci | tail -1"])
    refused = synced.run_stage()
    assert (refused.status, refused.codes) == (1, ["worktree-setup-failed"])
    check_refused_run_left_nothing(synced)


@pytest.mark.parametrize("ends", [0, 1])
def test_a_token_that_a_set_up_command_prints_is_not_in_its_log(synced: Project, ends: int) -> None:
    token = "ghp_" + "a1B2" * 9
    (synced.repo.path.parent / "token").write_text(f"{token}\n")
    secret = synced.repo.path.parent / "token"
    configure(synced, worktreeSetup=["echo begun", f"cat {secret}; exit {ends}"])
    assert synced.run_stage().status == ends
    logs = [path.read_text() for path in synced.task_root.rglob("*worktree-setup*.log")]
    assert any("begun" in text and "[hidden" in text for text in logs)
    assert not any(token in text for text in logs)
