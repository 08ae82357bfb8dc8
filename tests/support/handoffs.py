"""Tasks that a final verification accepted, and handing them off."""

from __future__ import annotations

from pathlib import Path

from .okstra import Ended, Project
from .rehearsal import install, led, part, report_of


def accept(project: Project) -> None:
    """Leads a final verification that accepts the task."""
    _install_acceptance(project)
    ended = led(project, "final-verification")
    assert report_of(ended)["verdict"]["token"] == "accepted", ended


def accepted(project: Project) -> str:
    """A task with one commit that a final verification accepted; answers the commit."""
    _install_acceptance(project)
    prepared = project.run_phase("final-verification", "--provider", "rehearsal").data
    at = Path(prepared["worktree"]["path"])
    commit = project.repo.commit({"new.py": "x = 1\n"}, "feat: it", at=at)
    ended = project.okstra.ok("resume", prepared["run_id"], "--json")
    assert ended.data["token"] == "accepted", ended
    return commit


def _install_acceptance(project: Project) -> None:
    settings = project.repo.path / ".okstra" / "project.json"
    install(
        project,
        part(
            {"report": {"verdict": {"conclusion": "ok", "token": "accepted"}}},
            role="report-writer",
            phase="final-verification",
        ),
    )
    settings.write_text(settings.read_text().replace('"qaCommands": []', '"qaCommands": ["true"]'))


def handoff(project: Project, *more: str, **environment: str) -> Ended:
    return project.okstra("handoff", project.task_key, *more, "--json", **environment)


def refs(project: Project, remote: Path) -> dict[str, str]:
    out = project.repo.git("--git-dir", str(remote), "for-each-ref", "--format=%(refname) %(objectname)")
    return dict(line.split() for line in out.splitlines())
