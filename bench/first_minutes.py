"""What somebody types at okstra and at each peer in the first ten minutes.

Each list follows its tool's own quick start (of the pinned version, or the newest README of what is not measured), for
one sentence in a repository that is there already.
"""

from __future__ import annotations

from typing import NamedTuple

_WANTED = "Sums are off by one"


class Road(NamedTuple):
    tool: str
    commands: tuple[str, ...]
    then: str

    @property
    def characters(self) -> int:
        return sum(map(len, self.commands))


ROADS = (
    Road(
        "okstra",
        ("npm i -g okstra && okstra install", "okstra init", f'okstra run "{_WANTED}"'),
        "two agents look for the cause and check each other; `okstra next` leads up to the pull request",
    ),
    Road(
        "bernstein",
        ("pipx install bernstein", "bernstein init", "bernstein doctor", f'bernstein -g "{_WANTED}"'),
        "agents write the change, gates run",
    ),
    Road(
        "git-worktree-runner",
        (
            "git clone https://github.com/coderabbitai/git-worktree-runner.git",
            "cd git-worktree-runner && ./install.sh",
            "git gtr config set gtr.ai.default claude",
            "git gtr new sums --ai",
            _WANTED,
        ),
        "one agent in a worktree",
    ),
    Road(
        "orkestra",
        ("uv tool install 'orkestra-runtime[tui]'", "orkestra start", _WANTED),
        "asks for agents, preset, checks and specification, then runs; `orkestra accept` brings it in",
    ),
    Road(
        "spec-kitty",
        (
            "pipx install spec-kitty-cli",
            "spec-kitty init . --ai claude",
            "spec-kitty verify-setup",
            "/spec-kitty.charter",
            f"/spec-kitty.specify {_WANTED}",
            "/spec-kitty.plan",
            "/spec-kitty.tasks",
            "spec-kitty next --agent claude --mission sums",
        ),
        "one agent implements, after an interview; review, accept and merge are three more",
    ),
    Road(
        "task-master",
        (
            "npm i -g task-master-ai",
            "task-master init",
            f'echo "{_WANTED}" > .taskmaster/docs/prd.txt',
            "task-master parse-prd .taskmaster/docs/prd.txt",
            "task-master next",
        ),
        "names the next task; an agent of yours does it",
    ),
    Road(
        "worktrunk",
        ("cargo install worktrunk", "wt config shell install", "wt switch --create sums -x claude", _WANTED),
        "one agent in a worktree; `wt merge` brings it in",
    ),
)


def section() -> list[str]:
    """The lines of docs/benchmarks.md."""
    rows = [f"| {road.tool} | {len(road.commands)} | {road.characters} | {road.then} |" for road in ROADS]
    return [
        "The first ten minutes: what somebody types from nothing until agents work on a change of theirs, by each "
        "tool's own quick start, for the sentence “Sums are off by one”. Answers to questions and keys of accounts are "
        "not counted.",
        "",
        "| tool | commands | characters | and then |",
        "|---|---|---|---|",
        *rows,
    ]
