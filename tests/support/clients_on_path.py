"""Programs that answer as the clients do to what okstra asks before it starts one, and a PATH with chosen programs."""

from __future__ import annotations

import shutil
from pathlib import Path

HELP = {
    "claude": "-p, --print --output-format --model --permission-mode --settings --add-dir --verbose",
    "codex": "--json --sandbox --cd --model --add-dir --skip-git-repo-check",
    "gemini": "--output-format --model --skip-trust --approval-mode --admin-policy --include-directories",
}


def tools(folder: Path, *names: str) -> str:
    """A PATH with these programs and no other."""
    folder.mkdir()
    for name in ("bash", "sh", "env", *names):
        (folder / name).symlink_to(str(shutil.which(name)))
    return str(folder)


def client(
    folder: Path,
    name: str,
    *,
    knows: str | None = None,
    commits: bool = True,
    logged_in: bool = True,
    works: str = "",
) -> None:
    """A program that answers as the client does to what okstra asks of it; its sandbox is none, or lets nothing
    through. `works`: what it does when it is started to work, in shell."""
    script = f"""#!/bin/sh
case "$*" in
  --version) echo "{name} 9.9.9" ;;
  --help | "exec --help") echo "{HELP[name] if knows is None else knows}" ;;
  "auth status" | "login status") exit {0 if logged_in else 1} ;;
  sandbox*) {'while [ "$1" != -- ]; do shift; done; shift; exec "$@"' if commits else "echo 'Read-only' >&2; exit 1"} ;;
  *) {works or ":"} ;;
esac
"""
    (folder / name).write_text(script)
    (folder / name).chmod(0o755)
