"""Led runs that are killed at an event and resumed: what they are, and how their trees are compared."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from . import index_file
from .okstra import Ended, Project
from .plans import independent
from .rehearsal import answers, executed, finding, install, led, led_args, part, result

PUSHED, ASKED_FOR = "pushed.log", "pull-requests.log"
# What may differ between a run that was killed and one that was not: times, processes, digests of either, how often
# something was tried, and what a client that was killed had cost.
_VOLATILE = (
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC"), "AT"),
    (re.compile(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z\b"), "(time)"),
    (re.compile(r"\b[0-9a-f]{12,64}\b"), "(hash)"),
    (re.compile(r"^## 9\. Tokens and cost$.*", re.MULTILINE | re.DOTALL), "(usage)"),  # the last part of a report
)
_VOLATILE_KEYS = frozenset({"usage", "attempts", "pid", "start_time", "boot_id"})
_OWN_RECORDS = re.compile(r"\.attempt-[0-9]+$|\.lock$|\.torn$|^events-|^errors-|/logs/|registry\.json$|/seals/")


class Play(NamedTuple):
    """A phase to lead: what comes before it, and the arguments of its run."""

    task_type: str
    prepare: Callable[[Project], None]
    more: Sequence[str] = ()

    def args(self, project: Project) -> tuple[str, ...]:
        return (*led_args(project, self.task_type), *self.more)


def _analyse(project: Project) -> None:
    """Two rounds, in each of which somebody disagrees, and a critic's gap that is verified."""
    install(
        project,
        part({"result": result(finding("high", "It breaks"))}, worker="rehearsal-a", round=""),
        part({"result": result(finding("low", "Nobody looked"))}, role="critic"),
        part({"result": answers(G_001="DISAGREE")}, worker="rehearsal-b", round=["1", "2"]),
    )


def _build(project: Project) -> None:
    """Two turns: the first one's verifier fails it."""
    project.adopt(independent(1))
    install(
        project,
        part(*_work("it.py", "feat: it"), role="executor", round=""),
        part(*_work("more.py", "fix: more"), role="executor", round="turn-2"),
        part(
            {"result": result(finding("high", "Half is missing"), verdict="fail")},
            worker="rehearsal-b-verifier",
            round="",
        ),
    )


def _work(name: str, subject: str) -> tuple[dict[str, Any], ...]:
    return (
        {"write": {"path": f"stage-1/{name}", "content": "x = 1\n"}},
        {"edit": {"path": f"stage-1/{name}", "find": "x = 1", "replace": "x = 2"}},
        {"commit": subject},
        {"result": executed(1, 2)},
    )


def _accept(project: Project) -> None:
    settings = project.repo.path / ".okstra" / "project.json"
    settings.write_text(settings.read_text().replace('"qaCommands": []', '"qaCommands": ["echo it >>qa-runs.ignored"]'))
    (project.repo.path / ".gitignore").write_text("*.ignored\n")
    project.repo.git("add", ".gitignore")
    project.repo.git("commit", "--quiet", "-m", "chore: ignore")
    install(project, part({"report": {"verdict": {"conclusion": "ok", "token": "accepted"}}}, role="report-writer"))


def _hand_off(project: Project) -> None:
    """A remote that writes down each push that it takes, and a `gh` that refuses a second pull request."""
    outside = project.repo.path.parent
    remote = outside / "remote.git"
    project.repo.git("init", "--quiet", "--bare", str(remote))
    project.repo.git("remote", "add", "origin", str(remote))
    _program(remote / "hooks" / "pre-receive", f'cat >>"{outside / PUSHED}"\n')
    log = outside / ASKED_FOR
    script = f"""case $2 in
status) ;;
view) [ -s "{log}" ] && echo https://example.invalid/pull/1 ;;
create)
  [ ! -s "{log}" ] || {{ echo 'a pull request for this branch already exists' >&2; exit 1; }}
  echo "$*" >>"{log}"
  echo https://example.invalid/pull/1 ;;
esac
"""
    _program(outside / "bin" / "gh", script)
    _accept(project)
    accepted = led(project, "final-verification")
    assert accepted.status == 0, accepted
    install(project)


def _program(path: Path, script: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}")
    path.chmod(0o755)


PLAYS: Mapping[str, Play] = {
    "error-analysis": Play("error-analysis", _analyse, ("--critic", "rehearsal")),
    "implementation-planning": Play("implementation-planning", install),
    "implementation": Play("implementation", _build),
    "final-verification": Play("final-verification", _accept),
    "release-handoff": Play("release-handoff", _hand_off, ("--pr",)),
    "requirements-discovery": Play("requirements-discovery", _analyse),
    "improvement-discovery": Play("improvement-discovery", _analyse),
}


def environment(project: Project) -> dict[str, str]:
    """With the test's own `gh`, and dates that make the same commit the same."""
    found = project.okstra.environment
    own = project.repo.path.parent / "bin"
    return {"PATH": f"{own}{os.pathsep}{found['PATH']}"}


def tree(project: Project) -> dict[str, str]:
    """What a run leaves, by path, without what says when and how often: records, branches, files of worktrees."""
    found = {}
    outside = project.repo.path.parent
    for folder in (project.repo.path / ".okstra", project.home):
        for path in sorted(folder.rglob("*")):
            name = str(path.relative_to(outside))
            if path.is_file() and not path.is_symlink() and not _OWN_RECORDS.search(name) and not _is_record(path):
                found[name] = _normal(path)
    for branch in sorted(project.repo.branches()):
        found[f"branch {branch}"] = project.repo.git("ls-tree", "-r", branch) + project.repo.git(
            "log", "--format=%s", branch
        )
    for name in (PUSHED, ASKED_FOR):
        log = outside / name
        found[name] = _calm(log.read_text()) if log.exists() else ""
    return found


def _is_record(path: Path) -> bool:
    return bool(_OWN_RECORDS.search(path.name))


def _normal(path: Path) -> str:
    if path.suffix == ".html":
        return ""  # shows the data of the report, and how long everything took
    if path == index_file.path(path.parent):
        rows = index_file.rows(path.parent)
        return "\n".join(sorted({_calm(json.dumps(_lasting(row))) for row in rows}))
    text = path.read_text(errors="replace")
    if path.suffix == ".jsonl":
        return "\n".join(sorted({_calm(json.dumps(_lasting(json.loads(line)))) for line in text.splitlines()}))
    return _calm(json.dumps(_lasting(json.loads(text)), indent=1) if path.suffix == ".json" else text)


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _lasting(inner) for name, inner in value.items() if name not in _VOLATILE_KEYS}
    return [_lasting(inner) for inner in value] if isinstance(value, list) else value


def _calm(text: str) -> str:
    for pattern, instead in _VOLATILE:
        text = pattern.sub(instead, text)
    return text


def events(project: Project, play: Play) -> list[dict[str, Any]]:
    (path,) = project.task_root.glob(f"runs/{play.task_type}/**/state/events-001.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def dispatched_again(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What was dispatched although its answer was there."""
    done, wrong = set(), []
    for row in rows:
        key = (row.get("worker"), row.get("label"))
        if row["event"] == "dispatched" and key in done:
            wrong.append(f"{key[0]} {key[1]}")
        if row["event"] == "ended" and row["outcome"] == "completed":
            done.add(key)
    return wrong


def asked(rows: Sequence[Mapping[str, Any]]) -> set[tuple[Any, Any]]:
    """Everything that anybody was asked."""
    return {(row["worker"], row["label"]) for row in rows if row["event"] == "dispatched"}


def tokens(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [str(row["token"]) for row in rows if row["event"] == "dispatched"]


def resumed(project: Project, run: str) -> Ended:
    return project.okstra("resume", run, "--json", **environment(project))
