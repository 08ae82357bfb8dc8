"""The throw-away place in which the demonstration is played: a home of its own, a small repository, a log."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress

from ..errors import WorkFailed
from ..quoting import quote
from ..system import assets, files, processes

_NAME, _EMAIL = "okstra demo", "demo@localhost"
_HIDDEN = ("GIT_", "OKSTRA_", "CLAUDE", "CODEX", "GEMINI", "XDG_")
_GIT_SETTINGS = (
    ("user.name", _NAME),
    ("user.email", _EMAIL),
    ("init.defaultBranch", "main"),
    ("advice.detachedHead", "false"),
)
_IGNORED = b"__pycache__/\n"
QA = "python3 -m unittest discover -s tests -t ."
SCRIPT = ".okstra/script.toml"
STAGES = "TALLY_STAGES"
Show = Callable[[str], None]


class DemoStage:
    """`show` gets what commands print, line by line; the log has it in any case."""

    def __init__(self, environment: Mapping[str, str], show: Show) -> None:
        self.assets = os.path.join(assets.root(), "demo")
        self.place = tempfile.mkdtemp(prefix="okstra-demo.")
        self.repo, self.log = os.path.join(self.place, "tally"), os.path.join(self.place, "demo.log")
        home = os.path.join(self.place, "home")
        os.mkdir(home)
        self.okstra_home = os.path.join(home, ".okstra")
        kept = {name: value for name, value in environment.items() if not name.startswith(_HIDDEN)}
        self.environment = {
            **kept,
            "HOME": home,
            "OKSTRA_HOME": self.okstra_home,
            "OKSTRA_PYTHON": sys.executable,
            "GIT_CONFIG_NOSYSTEM": "1",
            STAGES: os.path.join(self.assets, "stages"),
            "PATH": _with_python3(kept.get("PATH", os.defpath)),
        }
        self._show = show

    def make_repository(self) -> None:
        """A copy of the small program, committed. Raises Missing (`dependency-missing`), WorkFailed."""
        for name, value in _GIT_SETTINGS:
            self.run(["git", "config", "--global", name, value])
        _copy(os.path.join(self.assets, "project"), self.repo)
        files.replace(os.path.join(self.repo, ".gitignore"), _IGNORED)  # npm takes no file of that name into a package
        for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "Start"]):
            self.run(["git", *words], cwd=self.repo)

    def commit_of_stage(self, number: int, path: str, tree: str) -> None:
        """Brings a file of a stage's work into a worktree, and commits all that is new there."""
        shutil.copyfile(os.path.join(self.assets, "stages", str(number), path), os.path.join(tree, path))
        for words in (["add", "-A"], ["commit", "-q", "-m", f"Stage {number}: {path}"]):
            self.run(["git", *words], cwd=tree)

    def write(self, path: str, text: str) -> None:
        files.replace(path, text.encode("utf-8"), durable=False)

    def set_script(self) -> None:
        """Names the script that plays the workers, and the program's own tests, in the project's settings."""
        parts = [assets.text("demo", "script.toml"), assets.text("prompts", "rehearsal", "default.toml")]
        files.replace(os.path.join(self.repo, SCRIPT), "\n".join(parts).encode("utf-8"))
        settings = os.path.join(self.repo, ".okstra", "project.json")
        given = {"qaCommands": [QA], "providers": {"rehearsal": {"script": SCRIPT}}}
        files.replace_json(settings, {**(files.read_json(settings) or {}), **given})

    def okstra(self, *words: str, status: int = 0) -> str:
        """Runs an okstra command in the repository and returns what it printed. Raises WorkFailed (`run-failed`)."""
        self._write(f"  $ okstra {' '.join(map(quote, words))}")
        return self.finish(self.begin(*words), words, status)

    def begin(self, *words: str) -> processes.Running:
        command = [os.path.join(assets.root(), "bin", "okstra"), *words]
        return processes.start(command, cwd=self.repo, env=self.environment)

    def finish(self, running: processes.Running, words: tuple[str, ...], status: int = 0) -> str:
        """Waits for a command that was begun. Raises WorkFailed (`run-failed`)."""
        return self._ended(running.finish(), f"okstra {' '.join(map(quote, words))}", status)

    def run(self, argv: list[str], *, cwd: str | None = None) -> str:
        """Runs another program; raises as `okstra`."""
        return self._ended(processes.run(argv, cwd=cwd or self.place, env=self.environment), " ".join(argv), 0)

    def remove(self) -> None:
        with suppress(OSError):
            shutil.rmtree(self.place)

    def _ended(self, ended: processes.Finished, command: str, status: int) -> str:
        text = (ended.stderr + ended.stdout).decode("utf-8", "replace").rstrip("\n")
        for line in text.split("\n") if text else []:
            self._write(f"    {line}")
        if ended.status != status:
            raise WorkFailed(
                "run-failed",
                f"`{command}` ended with {ended.status}, not {status}:\n{ended.complaint}",
                where=self.log,
                hint="okstra doctor says what is missing; okstra demo --verbose shows every step",
            )
        return text

    def _write(self, line: str) -> None:
        self._show(line)
        with open(self.log, "a", encoding="utf-8", errors="backslashreplace", opener=files.private) as log:
            log.write(line + "\n")


def field(text: str, name: str) -> str:
    """A field of what a command printed for people, such as `verdict`."""
    found = re.search(rf"^{name} +(.+)$", text, re.MULTILINE)
    return found[1] if found else ""


def _with_python3(path: str) -> str:
    """The demonstration's program and its checks are run with `python3`."""
    return path if shutil.which("python3", path=path) else os.pathsep.join([path, os.path.dirname(sys.executable)])


def _copy(source: str, target: str) -> None:
    """Without the modes of the source: an installed package may be read-only."""
    shutil.copytree(source, target, copy_function=shutil.copyfile, ignore=shutil.ignore_patterns("__pycache__"))
