"""How many of okstra's files a command enters, and how often it goes from one folder to another.

A file counts once a function of it is called; class bodies and comprehensions don't. Prints a markdown table.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_PROFILED = """
import inspect, json, os, sys
sys.path.insert(0, sys.argv[1])
from okstra_ctl import cli
home = os.path.join(sys.argv[1], "okstra_ctl")
files, folders, last = set(), 0, ""
def profile(frame, event, arg):
    global folders, last
    name = frame.f_code.co_filename
    function = frame.f_code.co_flags & inspect.CO_OPTIMIZED and not frame.f_code.co_name.startswith("<")
    if event == "call" and function and name.startswith(home):
        files.add(name)
        folder = os.path.dirname(name)
        folders += folder != last
        last = folder
sys.setprofile(profile)
status = cli.main(sys.argv[2:])
sys.setprofile(None)
sys.stdout.flush()
print(json.dumps([status, len(files), folders]), file=sys.stderr)
"""


def entered(folder: Path, environment: dict[str, str], *words: str) -> tuple[int, int]:
    """Files that the command enters, and changes of folder. Raises SystemExit when the command fails."""
    call = [sys.executable, "-I", "-c", _PROFILED, str(ROOT / "python"), *words]
    done = subprocess.run(call, cwd=folder, env=environment, capture_output=True, text=True)
    status, files, folders = eval(done.stderr.strip().splitlines()[-1], {"null": None})
    if status:
        raise SystemExit(f"okstra {' '.join(words)}: {done.stdout}{done.stderr}")
    return files, folders


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        project = Path(scratch, "project")
        project.mkdir()
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        person = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org"}
        person |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org"}
        environment = {**kept, **person, "HOME": scratch, "OKSTRA_HOME": f"{scratch}/.okstra"}
        (project / "brief.md").write_text("What breaks?\n")
        for words in (("init", "-q"), ("add", "."), ("commit", "-qm", "one")):
            subprocess.run(["git", *words], cwd=project, env=environment, check=True)
        entered(project, environment, "setup", "--project-id", "demo", "--yes")
        task = ("--task-group", "g", "--task-id", "T-1", "--task-brief", "brief.md")
        rows = [
            ("run --render-only", ("run", "--task-type", "error-analysis", *task, "--render-only")),
            ("list", ("list",)),
            ("status", ("status",)),
        ]
        print("| command | files entered | changes of folder |\n|---|---|---|")
        for name, words in rows:
            print("| `okstra {}` | {} | {} |".format(name, *entered(project, environment, *words)))


if __name__ == "__main__":
    main()
