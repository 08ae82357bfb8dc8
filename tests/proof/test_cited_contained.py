"""With its own settings okstra runs cited commands in the sandbox: without network, and nothing outside is changed."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from okstra_ctl.sandbox.choice import Kind
from support.contained_lab import can_contain
from support.okstra import Project
from support.rehearsal import answers, finding, install, led, part, report_of, result

pytestmark = [
    pytest.mark.contained,
    pytest.mark.skipif(not can_contain(Kind.BWRAP), reason="bubblewrap can't start here"),
]


def test_a_cited_command_is_run_where_it_can_do_no_harm(project: Project, tmp_path: Path) -> None:
    project.repo.commit({"it.txt": "x\n"}, "feat: it")
    server = socket.create_server(("127.0.0.1", 0))
    port, evil = server.getsockname()[1], project.repo.path / "evil"
    call = f"import socket; socket.create_connection(('127.0.0.1', {port}), 5)"
    worktree = project.home / "worktrees" / "demo" / "core" / "t-1" / "task"
    cited = {
        "it stands in the checkout, where the worker's worktree is named": f'command `test "$PWD" = {worktree}` exit 0',
        "it builds": "command `touch built && test -e built` exit 0",
        "it writes elsewhere": f"command `touch {evil}` exit 0",
        "it listens": f'command `python3 -c "{call}"` exit 0',
    }
    own = [finding("high", title, evidence) for title, evidence in cited.items()]
    install(
        project,
        part({"result": result(*own)}, worker="rehearsal-a", round="", role="analyst"),
        part(
            {"result": answers(**dict.fromkeys(("G_001", "G_002", "G_003", "G_004"), "AGREE"))},
            worker="rehearsal-b",
            round="1",
        ),
    )
    ended = led(project, "error-analysis")
    server.close()
    assert ended.status == 0, ended
    found = {one["title"]: one["evidence"][0] for one in report_of(ended)["findings"]}
    assert {title: line["status"] for title, line in found.items()} == {
        "it stands in the checkout, where the worker's worktree is named": "verified",
        "it builds": "verified",
        "it writes elsewhere": "contradicted",
        "it listens": "contradicted",
    }, found
    assert worktree.is_dir()
    assert not evil.exists()
    assert "sock.connect(sa)" in found["it listens"]["output"]
