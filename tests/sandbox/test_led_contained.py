"""Runs that okstra leads, their workers and checks contained: what is reported, refused, recorded and written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from okstra_ctl.sandbox.choice import Kind
from support.client_streams import CODEX_GOOD, codex_item, stream
from support.contained_lab import can_contain
from support.okstra import Project
from support.plans import independent
from support.rehearsal import executed, install, led, part, report_of, result

pytestmark = pytest.mark.contained
needs_bwrap = pytest.mark.skipif(not can_contain(Kind.BWRAP), reason="bubblewrap can't start here")


def _manifest(ended_data: dict[str, str]) -> dict[str, object]:
    found: dict[str, object] = json.loads(Path(ended_data["manifest"]).read_text())
    return found


@needs_bwrap
def test_a_worker_reads_its_worktree_and_writes_its_result_alone(project: Project, tmp_path: Path) -> None:
    seen = (
        "{ cat README.md; ls -A; touch x; echo evil >> README.md; ls ~; env; } > $(dirname $OKSTRA_RESULT)/notes 2>&1"
    )
    outside = f"echo evil > {project.repo.path}/README.md; touch {tmp_path}/beside"
    install(project, part({"run": f"({seen}); ({outside}); true"}, {"result": result()}, role="analyst"))
    before = (project.repo.path / "README.md").read_text()
    ended = led(project, "requirements-discovery", SECRET_OF_THE_SHELL="hush")
    assert ended.status == 0, ended
    assert _manifest(ended.data)["sandbox"] == {"kind": "bwrap", "why": ""}
    assert "not contained" not in ended.stderr
    assert (project.repo.path / "README.md").read_text() == before
    assert not (tmp_path / "beside").exists()
    (notes, *_) = project.task_root.rglob("notes")
    text = notes.read_text()
    assert "# A project" in text
    assert text.count("Read-only file system") == 2
    assert "hush" not in text


@needs_bwrap
def test_an_executor_commits_and_its_exit_check_runs_inside(project: Project, tmp_path: Path) -> None:
    project.adopt(independent(1), exit_check=f"touch built {tmp_path}/beside && ! touch {project.repo.path}/README.md")
    work = ({"write": {"path": "stage-1/it.py", "content": "# it\n"}}, {"commit": "feat: it"})
    install(project, part(*work, {"result": executed(1, 2)}, role="executor"))
    ended = led(project, "implementation", "--stage", "1")
    assert ended.status == 0, ended
    assert report_of(ended)["gates"]["stage-done"]["gate"] == "passed"
    assert not (tmp_path / "beside").exists()


@needs_bwrap
def test_an_executor_commits_unsigned_and_through_the_repositorys_hooks(project: Project) -> None:
    """The key to sign with stays outside; hooks in the main checkout, of which nothing else is seen, are shown."""
    hooks = project.repo.path / ".husky"
    hooks.mkdir()
    (hooks / "pre-commit").write_text("#!/bin/sh\necho hooked > hooked.log\n")
    (hooks / "pre-commit").chmod(0o755)
    (project.repo.path / ".git" / "info" / "exclude").write_text("*.log\n.husky\n")
    for name, value in (("core.hooksPath", ".husky"), ("commit.gpgSign", "true"), ("gpg.program", "false")):
        project.repo.git("config", name, value)
    project.adopt(independent(1))
    work = ({"write": {"path": "stage-1/it.py", "content": "# it\n"}}, {"commit": "feat: it"})
    install(project, part(*work, {"result": executed(1, 2)}, role="executor"))
    ended = led(project, "implementation", "--stage", "1")
    assert ended.status == 0, ended
    assert ended.stderr.count("commits of contained workers are not signed") == 1
    assert (Path(_manifest(ended.data)["worktree"]["path"]) / "hooked.log").exists()  # type: ignore[index]


def test_without_a_sandbox_that_is_reported_once_and_recorded(project: Project) -> None:
    ended = led(project, "requirements-discovery", "--sandbox", "off")
    assert ended.status == 0, ended
    words = "workers: watched, not contained (the sandbox is switched off)"
    assert ended.stderr.count(words) == 1
    assert _manifest(ended.data)["sandbox"] == {"kind": "off", "why": "the sandbox is switched off"}
    assert words in report_of(ended)["gates"]["isolation"]["note"]


def _without_bwrap(project: Project, tmp_path: Path) -> str:
    """A PATH on which there is everything but bubblewrap."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for place in reversed(project.okstra.environment["PATH"].split(os.pathsep)):
        for name in os.listdir(place) if os.path.isdir(place) else ():
            link = folder / name
            if name != "bwrap" and not link.is_symlink():
                link.symlink_to(os.path.join(place, name))
    return str(folder)


def test_a_sandbox_that_was_asked_for_and_is_missing_stops_the_run(project: Project, tmp_path: Path) -> None:
    path = _without_bwrap(project, tmp_path)
    ended = led(project, "requirements-discovery", "--sandbox", "bwrap", PATH=path)
    assert ended.status == 3, ended
    assert ended.codes == ["sandbox-missing"]
    assert "apt install bubblewrap" in ended.envelope["errors"][0]["try"]


def test_a_project_that_requires_a_sandbox_starts_no_worker_without(project: Project) -> None:
    project.okstra.ok("config", "set", "--project", "sandboxRequired", "true")
    ended = led(project, "requirements-discovery", "--sandbox", "off")
    assert ended.status == 3, ended
    assert ended.codes == ["sandbox-missing"]
    assert list(project.task_root.rglob("*-worker-requirements-discovery-001.md")) == []


def test_a_project_can_not_show_more_before_it_is_trusted(project: Project) -> None:
    path = project.repo.path / ".okstra" / "project.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "sandboxShow": ["~/.ssh"]}))
    refused = led(project, "requirements-discovery", OKSTRA_TRUST="")
    assert refused.codes == ["not-trusted"]
    assert "sandboxShow" in refused.envelope["errors"][0]["message"]


def _breaking(project: Project, tmp_path: Path, times: int) -> str:
    """A PATH with a bubblewrap that starts when it is tried, and fails the first `times` times for a worker."""
    real = next(place for place in os.get_exec_path() if os.access(f"{place}/bwrap", os.X_OK)) + "/bwrap"
    broken, count = tmp_path / "programs" / "bwrap", tmp_path / "failed"
    broken.parent.mkdir()
    count.touch()
    tries = f'for word; do last=$word; done\n[ "$last" = true ] && exec {real} "$@"'
    # A folder is made once, whoever of two workers that start at once tries it first.
    fails = f'mkdir {count}.$n 2>/dev/null && {{ printf x >> {count}; echo "bwrap: No space left" >&2; exit 1; }}'
    loop = f"n=1\nwhile [ $n -le {times} ]; do {fails}; n=$((n + 1)); done"
    broken.write_text(f'#!/bin/sh\n{tries}\n{loop}\nexec {real} "$@"\n')
    broken.chmod(0o755)
    return f"{broken.parent}{os.pathsep}{project.okstra.environment['PATH']}"


@needs_bwrap
def test_a_start_that_fails_is_an_error_and_never_uncontained(project: Project, tmp_path: Path) -> None:
    install(project, part({"run": f"touch {tmp_path}/ran"}, {"result": result()}, role="analyst"))
    ended = led(project, "requirements-discovery", PATH=_breaking(project, tmp_path, 100))
    assert ended.status == 1, ended
    assert not (tmp_path / "ran").exists()
    assert "its sandbox could not start: No space left" in ended.stdout + ended.stderr


@needs_bwrap
def test_a_start_that_fails_is_tried_once_more(project: Project, tmp_path: Path) -> None:
    """A socket may go between the look and the mount."""
    ended = led(project, "requirements-discovery", PATH=_breaking(project, tmp_path, 1))
    assert ended.status == 0, ended
    assert (tmp_path / "failed").read_text() in (
        "x",
        "xx",
    )  # both analysts may have started before the first had failed


def test_doctor_tries_the_sandbox_and_names_the_remedy(project: Project, tmp_path: Path) -> None:
    rows = {row["check"]: row for row in project.okstra("doctor", "--json").data["checks"]}
    assert rows["sandbox"]["status"] in ("ok", "warn")
    path = _without_bwrap(project, tmp_path)
    project.okstra.ok("config", "set", "sandbox", "bwrap")
    rows = {row["check"]: row for row in project.okstra("doctor", "--json", PATH=path).data["checks"]}
    assert rows["sandbox"]["status"] == "warn"
    assert rows["sandbox"]["detail"] == "workers: watched, not contained (bubblewrap is not installed)"
    assert "apt install bubblewrap" in rows["sandbox"]["remedy"]


@needs_bwrap
def test_set_up_commands_write_their_worktree_and_named_caches_alone(project: Project, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    project.okstra.ok("config", "set", "sandboxWritable", str(cache))
    steps = f"touch made {cache}/filled; touch {tmp_path}/beside; ! touch {project.repo.path}/README.md"
    project.okstra.ok("config", "set", "--project", "worktreeSetup", steps)
    ended = led(project, "requirements-discovery")
    assert ended.status == 0, ended
    assert (cache / "filled").exists()
    assert (Path(_manifest(ended.data)["worktree"]["path"]) / "made").exists()  # type: ignore[index]
    assert not (tmp_path / "beside").exists()


@needs_bwrap
def test_a_worker_that_a_session_dispatches_is_contained_too(project: Project, tmp_path: Path) -> None:
    """`okstra worker exec`; codex's own sandbox can't be made inside another one, and is switched off there."""
    run = project.run_phase("error-analysis", "--workers", "codex")
    text = result()
    facts = {"TASK_KEY": Project.task_key, "PHASE": "error-analysis", "WORKER_ID": "codex", "COMMIT": "c" * 40}
    for name, value in facts.items():
        text = text.replace(f"{{{{{name}}}}}", value)
    events = (*CODEX_GOOD[:2], codex_item("agent_message", text=text), CODEX_GOOD[-1])
    clients = tmp_path / "clients"
    clients.mkdir()
    (clients / "stream").write_bytes(stream(*events))
    notes = 'notes=$(dirname "$OKSTRA_RESULT")/notes; echo "$@" > "$notes"; ls -A ~ >> "$notes"'
    outside = f"touch {tmp_path}/beside {project.repo.path}/beside"
    (clients / "codex").write_text(f"#!/bin/sh\n{notes}\n{outside} 2>/dev/null\ncat {clients}/stream\n")
    (clients / "codex").chmod(0o755)
    prompt = Path(run.data["run_dir"]) / "prompts" / "codex-prompt-error-analysis-001.md"
    order = ("codex", project.repo.path, "gpt-5.5", prompt, run.data["worktree"]["path"], "analyst", "--json")
    path = f"{clients}{os.pathsep}{project.okstra.environment['PATH']}"
    done = project.okstra("worker", "exec", *order, PATH=path)
    assert (done.status, done.data["state"]) == (0, "clean"), done
    (found,) = project.task_root.rglob("notes")
    words = found.read_text()
    assert "--sandbox danger-full-access" in words
    rules = Path(run.data["run_dir"]) / "state" / "guard-001.json"
    assert json.loads(rules.read_text())["run_id"] == run.data["run_id"], "its client asks the guard, by these rules"
    assert not (tmp_path / "beside").exists()
    assert not (project.repo.path / "beside").exists()
    watched = project.okstra("worker", "exec", *order, "--sandbox", "off", PATH=path)
    assert watched.stderr.count("workers: watched, not contained") == 1
