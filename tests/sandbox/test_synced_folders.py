"""What a worktree gets from the main checkout is there inside, though the main checkout is not."""

from __future__ import annotations

import json
import threading
import uuid
from pathlib import Path

import pytest

from okstra_ctl.agents.supervised_process import run_supervised
from okstra_ctl.runs.containment import containment, sandbox_of
from okstra_ctl.sandbox.choice import Kind
from okstra_ctl.sandbox.profile import Role
from okstra_ctl.services import open_services
from support.contained_lab import can_contain
from support.okstra import Project
from support.plans import independent

pytestmark = pytest.mark.skipif(not can_contain(Kind.BWRAP), reason="bubblewrap can't start here")


def _inside(project: Project, worktree: Path, role: Role, script: str) -> tuple[int, str]:
    services = open_services({**project.okstra.environment, "OKSTRA_SANDBOX": "bwrap"})
    root = str(project.repo.path)
    log = worktree.parent / "log"
    log.write_text("")
    ended = run_supervised(
        ("bash", "-c", f"exec 2>&1\n{script}"),
        name="command",
        folder=str(worktree),
        log=str(log),
        token=uuid.uuid4().hex,
        limit=60,
        environment=project.okstra.environment,
        stop=threading.Event(),
        home=services.home.root,
        run_id="run",
        containment=containment(sandbox_of(root, services), role, str(worktree), root),
    )
    return ended.status, ended.stdout.decode()


@pytest.fixture
def worktree(project: Project) -> Path:
    """Of a project whose sync list has a folder that is linked, a `.venv` and `node_modules`, which are copied, and a
    link of the person's own to one of them."""
    main = project.repo.path
    made = {
        "corpus/a": "text of the corpus\n",
        ".venv/bin/python": "#!/bin/sh\necho an interpreter\n",
        ".venv/bin/tool": f"#!{main}/.venv/bin/python\n",
        "node_modules/left/index.js": "module\n",
        ".env": "SECRET=1\n",
        "private/login": "SECRET=1\n",
        "mine": "mine\n",
    }
    for name, text in made.items():
        path = main / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    (main / ".git" / "info" / "exclude").write_text("".join(f"/{name.split('/')[0]}\n" for name in made))
    settings = main / ".okstra" / "project.json"
    document = json.loads(settings.read_text())
    settings.write_text(json.dumps({**document, "worktreeSyncDirs": ["corpus", ".venv", "node_modules"]}))
    project.adopt(independent(1))
    run = project.run_stage("1")
    assert run.status == 0, run
    found = Path(run.data["worktree"]["path"])
    assert (found / "corpus").is_symlink()
    (found / "a_way_in").symlink_to(main / "private")
    (found / "linked_modules").symlink_to(main / "node_modules")
    return found


@pytest.mark.parametrize("role", [Role.READER, Role.CHECK])
def test_it_can_be_read_at_its_own_place_and_not_written(project: Project, worktree: Path, role: Role) -> None:
    main = project.repo.path
    read = "cat corpus/a linked_modules/left/index.js && .venv/bin/tool"
    assert _inside(project, worktree, role, read) == (0, "text of the corpus\nmodule\nan interpreter\n")
    write = f"touch corpus/b {main}/.venv/b linked_modules/b {main}/b; echo x > corpus/a"
    assert _inside(project, worktree, role, write)[0] == 1
    assert (main / "corpus" / "a").read_text() == "text of the corpus\n"
    assert not any((main / name).exists() for name in ("corpus/b", ".venv/b", "node_modules/b", "b"))


def test_the_rest_of_the_main_checkout_stays_hidden(project: Project, worktree: Path) -> None:
    main = project.repo.path
    status, seen = _inside(
        project, worktree, Role.CHECK, f"ls -A {main}; cat {main}/.env a_way_in/login {main}/README.md"
    )
    assert (status, "SECRET" in seen) == (1, False)
    assert set(seen.splitlines()[:5]) == {".git", ".okstra", ".venv", "corpus", "node_modules"}
