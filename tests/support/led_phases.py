"""Led runs of every phase, each ready for what the phase needs."""

from __future__ import annotations

from .okstra import Ended, Project
from .plans import independent
from .rehearsal import answers, executed, finding, install, led, part, result

SOURCE = "import time\n\n\ndef alive(session):\n    return time.time() < session.expires\n"
CITED = "src/session.py:5 `return time.time() < session.expires`"


def analysed(project: Project, *more: str) -> Ended:
    """An error analysis with a disputed finding that cites a real line."""
    project.repo.commit({"src/session.py": SOURCE}, "feat: sessions")
    install(
        project,
        part({"result": result(finding("high", "It never <b>expires</b>", CITED))}, worker="rehearsal-a", round=""),
        part({"result": answers(G_001="DISAGREE")}, worker="rehearsal-b", round=["1", "2"]),
    )
    ended = led(project, "error-analysis", *more)
    assert ended.status == 0, ended
    return ended


def led_phase(project: Project, task_type: str) -> Ended:
    """A run of the phase with the built-in answers; an implementation builds its one stage, a verification accepts."""
    if task_type == "implementation":
        project.adopt(independent(1))
        write = {"write": {"path": "stage-1/it.py", "content": "# stage 1\n"}}
        install(project, part(write, {"commit": "feat: it"}, {"result": executed(1, 2)}, role="executor"))
    if task_type in ("final-verification", "release-handoff"):
        accepted = {"report": {"verdict": {"conclusion": "ok", "token": "accepted"}}}
        install(project, part(accepted, role="report-writer", phase="final-verification"))
        settings = project.repo.path / ".okstra" / "project.json"
        settings.write_text(settings.read_text().replace('"qaCommands": []', '"qaCommands": ["true"]'))
    if task_type == "review":
        project.repo.commit({"reviewed.txt": "new\n"})
    if task_type == "release-handoff":
        assert led(project, "final-verification").status == 0
        remote = project.repo.path.parent / "remote.git"
        project.repo.git("init", "--quiet", "--bare", str(remote))
        project.repo.git("remote", "add", "origin", str(remote))
        return led(project, task_type, "--push")
    return led(project, task_type)
