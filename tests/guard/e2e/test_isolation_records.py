"""Records, other worktrees and resumed runs: what the isolation receipt says of places where only okstra works."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from support.attacks import (
    OFF,
    UNTRACED,
    attack,
    executor,
    kinds,
    noted,
)
from support.okstra import Ended, Project
from support.plans import independent
from support.rehearsal import install, led, manifest_of, report_of

RECORDS = [
    ('echo \'{{"schema": "isolation/1"}}\' > {state}/isolation-001.json', "isolation-001.json"),
    (
        "python3 -c \"import json; p='{state}/isolation-001.json'; d=json.load(open(p)); d['before']=None; "
        "json.dump(d, open(p, 'w'))\"; echo x >> README.md",
        "isolation-001.json",
    ),
    ("rm {state}/isolation-001.json", "isolation-001.json"),
    ("echo '{{}}' > {state}/guard-001.json", "guard-001.json"),
    ("rm {state}/guard-hooks-001/pre-push; printf '#!/bin/sh\\n' > {state}/guard-hooks-001/pre-push", "pre-push"),
    (
        "echo more >> {state}/../prompts/rehearsal-b-prompt-error-analysis-001.md",
        "rehearsal-b-prompt-error-analysis-001.md",
    ),
]


@pytest.mark.parametrize(("command", "name"), RECORDS)
def test_a_worker_does_not_rewrite_the_runs_records(project: Project, command: str, name: str) -> None:
    state = project.task_root / "runs" / "error-analysis" / "state"
    prompt = "rehearsal-b-prompt-error-analysis-001.md"
    name = name.format(prompt=prompt)
    ended = attack(project, command.format(state=state, prompt=prompt))
    breaches = report_of(ended)["isolation"]["breaches"]
    assert ("record", name) in {(one["kind"], Path(one["what"]).name) for one in breaches}, ended
    assert (ended.status, manifest_of(ended)["outcome"]) == (1, "contract-violated")


STRAY_DONE = {
    "v": 1,
    "id": "x",
    "impl_task_key": Project.task_key,
    "stage": 2,
    "status": "done",
    "at": "2026-01-01T00:00:00Z",
    "run_id": f"{Project.task_key}/implementation/stage-2/001",
    "epoch": 1,
    "plan_digest": "",
    "head_commit": "",
    "note": "",
    "owner": None,
}


def test_a_row_of_the_ledger_that_no_run_wrote_is_named(project: Project) -> None:
    project.adopt(independent(2))
    ledger = project.task_root / "runs" / "implementation-planning" / "consumers.jsonl"
    forge = {"write": {"path": "stage-1/it.py", "content": "# it\n"}}
    line = json.dumps(STRAY_DONE)
    install(project, executor(forge, {"commit": "feat: it"}, {"run": f"printf '%s\\n' '{line}' >> {ledger}"}))
    ended = led(project, "implementation", "--stage", "1")
    assert ("record", str(ledger)) in {(one["kind"], one["what"]) for one in report_of(ended)["isolation"]["breaches"]}
    assert report_of(ended)["verdict"]["token"] == "not-done"


def test_an_executor_leaves_the_other_worktrees_of_its_task_alone(project: Project) -> None:
    project.adopt(independent(2))
    other = project.run_stage("2")
    assert project.finish(other).status == 0
    at, task = Path(other.data["worktree"]["path"]), project.okstra.ok("worktree", "lookup", project.task_key)
    edit = f"echo x >> {at}/stage-2/it.py; echo x > {task.stdout.strip()}/stray.txt"
    move = f"{UNTRACED} -C {at} commit --quiet --allow-empty -m moved"
    steps = [
        {"write": {"path": "stage-1/it.py", "content": "# it\n"}},
        {"commit": "feat: it"},
        {"run": f"{edit}; {move}"},
    ]
    install(project, executor(*steps))
    ended = led(project, "implementation", "--stage", "1")
    breaches = report_of(ended)["isolation"]["breaches"]
    assert [(one["kind"], one["what"]) for one in breaches] == [
        ("ref", f"refs/heads/{other.data['worktree']['branch']}"),
        ("sibling", f"{at}/stage-2/it.py"),
        ("sibling", f"{task.stdout.strip()}/stray.txt"),
    ]


def test_an_edit_of_a_committed_project_json_in_the_worktree_fails_the_run(project: Project) -> None:
    project.repo.git("add", "--force", ".okstra/project.json")
    project.repo.git("commit", "--quiet", "-m", "Settings")
    ended = attack(project, "echo '{}' > .okstra/project.json")
    assert kinds(ended) == ["source-edit"]


def resumed(project: Project, ended: Ended) -> Ended:
    return project.okstra("resume", ended.data["run_id"], "--json")


PUT_BACK = [
    "echo x >> README.md && git add README.md",
    "git rm -q README.md && echo x > new.txt",
    "git checkout -q --detach && git commit -q --allow-empty -m sneaky",
    f"{OFF} commit -q --allow-empty -m sneaky",
]


@pytest.mark.parametrize("command", PUT_BACK)
def test_what_was_put_back_as_the_report_says_fails_no_resumed_run(project: Project, command: str) -> None:
    ended = attack(project, command)
    assert (ended.status, manifest_of(ended)["outcome"]) == (1, "contract-violated")
    assert resumed(project, ended).status == 1  # nothing was put back
    undo = [breach["undo"] for breach in report_of(ended)["isolation"]["breaches"]]
    assert all(undo)
    for line in undo:
        subprocess.run(["sh", "-c", line], env=project.okstra.environment, check=True, capture_output=True)
    again = resumed(project, ended)
    assert again.status == 0, again
    assert manifest_of(ended)["outcome"] == "completed"
    assert kinds(ended) == []
    assert project.okstra("check", "run", ended.data["run_id"]).status == 0


def test_a_run_that_an_earlier_okstra_failed_for_a_persons_edit_passes_when_it_is_resumed(project: Project) -> None:
    ended = attack(project, "true")
    (project.repo.path / "README.md").write_text("mine\n")
    manifest, data = Path(ended.data["manifest"]), Path(ended.data["report"]).with_suffix(".data.json")
    receipt = Path(ended.data["run_dir"]) / "state" / "isolation-001.json"
    breach = {
        "kind": "main-worktree",
        "what": "README.md",
        "detail": "changed by the run",
        "undo": "git restore -- README.md",
    }
    old = json.loads(receipt.read_text())
    for snapshot in ("before", "after"):
        del old[snapshot]["siblings"]
    receipt.write_text(
        json.dumps({**{k: v for k, v in old.items() if k not in ("notes", "claims")}, "breaches": [breach]})
    )
    for name in (project.home / "receipts").iterdir():
        name.unlink()
    report = json.loads(data.read_text())
    report["isolation"] = {"breaches": [breach], "receipt": str(receipt)}
    data.write_text(json.dumps(report))
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "outcome": "contract-violated"}))
    rendered = project.okstra.ok("report", "render", ended.data["run_id"])
    assert "git restore" not in Path(ended.data["report"]).read_text(), rendered
    again = resumed(project, ended)
    assert again.status == 0, again
    assert noted(ended) == [("main-worktree", "unknown", "")]
    assert (project.repo.path / "README.md").read_text() == "mine\n"
