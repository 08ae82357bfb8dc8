"""Real git repositories for tests."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path


class Repo:
    """A git repository at `path`; `git` runs git in it and answers its output."""

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        self.path = path
        self.environment = dict(environment)

    @classmethod
    def init(cls, path: Path, environment: Mapping[str, str], *, commit: bool = True) -> Repo:
        path.mkdir(parents=True, exist_ok=True)
        repo = cls(path, environment)
        repo.git("init", "--quiet", "--initial-branch=main")
        repo.git("config", "user.name", "Test")
        repo.git("config", "user.email", "test@example.invalid")
        if commit:
            repo.commit({"README.md": "# A project\n"}, "Start")
        return repo

    def git(self, *args: str, check: bool = True) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.path), *args],
            env=self.environment,
            capture_output=True,
            text=True,
            errors="surrogateescape",
        )
        if check and done.returncode != 0:
            raise AssertionError(f"git {' '.join(args)} ended with {done.returncode}: {done.stderr}")
        return done.stdout.rstrip("\n")

    def commit(self, files: Mapping[str, str], message: str = "Change", at: Path | None = None) -> str:
        """Writes the files, commits them, answers the commit id. `at`: in that worktree of the repository."""
        place = Repo(at or self.path, self.environment)
        for name, text in files.items():
            target = place.path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        place.git("add", "--all")
        place.git("-c", "user.name=Test", "-c", "user.email=test@example.invalid", "commit", "--quiet", "-m", message)
        return place.git("rev-parse", "HEAD")

    def branches(self) -> set[str]:
        return set(self.git("for-each-ref", "--format=%(refname:short)", "refs/heads").split())

    def worktree_paths(self) -> list[str]:
        fields = self.git("worktree", "list", "--porcelain", "-z").split("\0")
        return [field.removeprefix("worktree ") for field in fields if field.startswith("worktree ")]
