"""A lead that is killed while a cited command runs leaves what had ended; a resume runs the rest."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

from support.faults import eventually
from support.okstra import Project
from support.rehearsal import answers, finding, install, led_args, part, result


def lives(word: str) -> bool:
    return subprocess.run(["pgrep", "-f", word], capture_output=True).returncode == 0


def test_a_killed_lead_runs_no_command_twice_and_leaves_none_behind(project: Project, tmp_path: Path) -> None:
    count, begun = tmp_path / "count", tmp_path / "begun"
    nap = f"sleep 6{os.getpid()}"
    slow = f"if [ -e {begun} ]; then exit 1; fi\ntouch {begun}\n{nap}\n"
    project.repo.commit({"quick.sh": f"echo quick >> {count}\nexit 1\n", "slow.sh": slow}, "feat: it")
    own = [finding("high", name, f"command `sh {name}.sh` exit 1") for name in ("quick", "slow")]
    install(
        project,
        part({"result": result(*own)}, worker="rehearsal-a", round="", role="analyst"),
        part({"result": answers(G_001="AGREE", G_002="AGREE")}, worker="rehearsal-b", round="1"),
        evidence={"execute": "always", "timeout": 600},
    )
    lead = project.okstra.start(*led_args(project, "error-analysis"))
    eventually(begun.exists)
    os.kill(lead.pid, signal.SIGKILL)
    lead.communicate()
    eventually(lambda: not lives(nap))
    (record,) = project.task_root.rglob("state/evidence-*.json")
    assert [row["command"] for row in json.loads(record.read_text())["commands"]] == ["sh quick.sh"]

    run = json.loads(record.read_text())["run_id"]
    project.okstra.ok("resume", run, "--json")

    assert count.read_text() == "quick\n"
    rows = {row["command"]: row["exits"] for row in json.loads(record.read_text())["commands"]}
    assert rows == {"sh quick.sh": [1], "sh slow.sh": [1]}
    project.okstra.ok("check", "run", run)
