"""The model's part in a run that a session leads: the lead's turns by what it has seen so far, its agent's, and those
of the clients that okstra starts."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from support.rehearsal import answers, finding, result

from .conversations import answered, told
from .desk import PHASE, Desk
from .model_server import Fault, Script
from .test_runs import _REPORT, FILED, as_written, asked, by_file
from .wires import Turn

RAISED = finding("high", "The heading is wrong", "README.md:1 `# A project`")
_LEADS = "You lead one okstra run."
_AGENT = "You get five facts"
_ROSTER = re.compile(r"^\| ([a-z-]+) \| [a-z-]+ \| ([a-z]+) \| ([^|]+) \| `([^`]+)` \|$", re.M)
_WORKTREE = re.compile(r"^\| Worktree \| `([^`]+)`", re.M)
_MANY = 1000


class Listed(NamedTuple):
    """A worker, as the launch prompt lists it."""

    provider: str
    model: str
    prompt: str


class Seen(NamedTuple):
    """What the lead knows: its roster, what it has asked tools for, and what it was told besides."""

    worktree: str
    roster: Mapping[str, Listed]
    asked_for: str
    news: str


Lead = Callable[[Seen], Turn]


class Playing:
    """For the model server: what each request is answered with, by who asks."""

    def __init__(self, lead: Lead, *, others: Script | None = None, codex_hangs_at_first: bool = False) -> None:
        self._lead, self._hangs = lead, codex_hangs_at_first
        self._others = others or self._headless
        self.codex_was_asked = threading.Event()

    def __call__(self, text: str) -> Sequence[Turn] | Fault:
        body = json.loads(text)
        if _LEADS in told(body.get("messages", [])[:2]):
            return [self._lead(seen(body))] * _MANY
        if _AGENT in json.dumps(body.get("system", "")):
            return _as_agent(body, text)
        return self._others(text)

    def _headless(self, text: str) -> Sequence[Turn] | Fault:
        worker, path, label = asked(text)
        if worker == "report-writer":
            return by_file(path, json.dumps(_REPORT))
        if worker == "claude":
            return by_file(path, as_written(result(RAISED), worker, PHASE))
        if self._hangs and not self.codex_was_asked.is_set():
            self.codex_was_asked.set()
            return Fault(hang=True)
        return [Turn(say=as_written(answers(G_001="AGREE") if label else result(), worker, PHASE))]


def seen(body: Mapping[str, Any]) -> Seen:
    messages = body["messages"]
    prompt = told(messages[:2])
    rows = {name: Listed(*rest) for name, *rest in _ROSTER.findall(prompt)}
    tree = _WORKTREE.search(prompt)
    assert tree, prompt
    asked_for = "\n".join(json.dumps(one.given) for one in answered(messages))
    return Seen(tree[1], rows, asked_for, told(messages[1:]))


def by_agent(desk: Desk, seen: Seen) -> Turn:
    """The claude analyst, as an agent of the session."""
    _, model, prompt = seen.roster["claude"]
    facts = {
        "ROOT": desk.project.repo.path,
        "MODEL": model,
        "PROMPT": prompt,
        "WORKTREE": seen.worktree,
        "ROLE": "analyst",
    }
    text = "\n".join(f"{name} {value}" for name, value in facts.items())
    return Turn(call=("Agent", {"subagent_type": "claude-worker", "description": "claude analyses", "prompt": text}))


def by_command(desk: Desk, seen: Seen, door: str, worker: str = "codex", role: str = "analyst") -> str:
    """A worker as a client of its own; `door` is what the command begins with."""
    _, model, prompt = seen.roster[worker]
    return f"{door} {desk.project.repo.path} {model} {prompt} {seen.worktree} {role} --json"


def in_background(command: str, description: str) -> Turn:
    return Turn(call=("Bash", {"command": command, "description": description, "run_in_background": True}))


def _as_agent(body: Mapping[str, Any], text: str) -> Sequence[Turn]:
    """`claude-worker`: a contained client does the work where okstra's doctor says so, else the agent itself."""
    facts = dict(re.findall(r"^([A-Z]+) (\S+)$", told(body["messages"]), re.M))
    examined = Turn(shell="okstra doctor --json")
    answers_so_far = answered(body["messages"])
    if not answers_so_far:
        return [examined]
    (sandbox,) = re.findall(r'"check": "sandbox", "status": "([a-z]+)"', answers_so_far[0].said)
    work = _analysing(facts, text) if sandbox == "warn" else _starting_a_client(facts)
    return [examined, *work]


def _starting_a_client(facts: Mapping[str, str]) -> Sequence[Turn]:
    words = " ".join(facts[name] for name in ("ROOT", "MODEL", "PROMPT", "WORKTREE", "ROLE"))
    return [
        in_background(f"okstra worker exec claude {words} --json", "a client of its own"),
        Turn(shell=f"okstra wait {Desk.run} --timeout 100 --json"),
        Turn(say="**Model:** analyst, x\nvalid"),
    ]


def _analysing(facts: Mapping[str, str], text: str) -> Sequence[Turn]:
    """Reads its prompt and the source, asks git, writes and checks its result."""
    read = Turn(call=("Read", {"file_path": facts["PROMPT"]}))
    if not FILED.search(text):
        return [read]
    worker, path, _ = asked(text)
    tree, said = facts["WORKTREE"], as_written(result(RAISED), worker, PHASE)
    look = Turn(call=("Read", {"file_path": f"{tree}/README.md"}))
    end = Turn(say=f"**Model:** analyst, x\n{path} 1")
    return [
        read,
        look,
        Turn(shell="git log --oneline -1"),
        Turn(write=(path, said)),
        Turn(shell=f"okstra check result {path}"),
        end,
    ]
