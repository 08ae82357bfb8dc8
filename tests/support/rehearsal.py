"""Scripts for the rehearsal provider, and what a led run left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .okstra import Ended, Project

FRONT = """---
task-key: {{TASK_KEY}}
task-type: {{PHASE}}
worker: {{WORKER_ID}}
provider: rehearsal
model: rehearsal
commit: {{COMMIT}}
---
"""
_SECTIONS = ("2. Evidence gaps", "3. Risks", "4. Open questions", "5. Recommendation")
_REST = "".join(f"## {title}\n(none)\n" for title in _SECTIONS)


def result(*findings: str, verdict: str = "") -> str:
    """A worker result with these findings (the text below their headings' `### F-00N `)."""
    front = FRONT.replace("model: rehearsal\n", f"model: rehearsal\nverdict: {verdict}\n") if verdict else FRONT
    entries = "".join(f"### F-{number:03d} {text}\n" for number, text in enumerate(findings, 1)) or "(none)\n"
    return f"{front}## 1. Findings\n{entries}{_REST}"


def finding(severity: str, title: str, *evidence: str) -> str:
    lines = "".join(f"- evidence: {line}\n" for line in evidence or ("README.md:1",))
    return f"[{severity}] {title}\n- claim: {title}.\n{lines}"


def answers(**verdicts: str) -> str:
    """Verdicts by item (`G_001="DISAGREE"`), each with what its form needs."""
    entries = "".join(
        f"### {item.replace('_', '-')} {verdict}\n- reason: because\n"
        + ("- basis: logic\n" if verdict == "DISAGREE" else "")
        for item, verdict in verdicts.items()
    )
    return f"---\ntask-key: {{{{TASK_KEY}}}}\nworker: {{{{WORKER_ID}}}}\nmodel: rehearsal\n---\n## Verdicts\n{entries}"


def executed(*steps: int) -> str:
    entries = "".join(f"### Step {step} done\n- evidence: command `true` exit 0\n" for step in steps)
    rest = "".join(f"## {title}\n(none)\n" for title in ("2. Deviations", "3. Risks", "4. Open questions"))
    return f"{FRONT}## 1. Steps\n{entries}{rest}"


def part(*steps: dict[str, Any], **matches: str | list[str]) -> dict[str, Any]:
    return {**matches, "steps": list(steps)}


def install(project: Project, *parts: dict[str, Any], **config: Any) -> None:
    """Makes these parts the project's script, before the built-in ones; `config` becomes config.json."""
    path = project.repo.path / ".okstra" / "script.toml"
    path.write_text("\n".join(_part(one) for one in parts) + "\n" + _built_in(), encoding="utf-8")
    path.chmod(0o600)
    settings = project.repo.path / ".okstra" / "project.json"
    document = json.loads(settings.read_text())
    document["providers"] = {"rehearsal": {"script": ".okstra/script.toml"}}
    settings.write_text(json.dumps(document))
    if config:
        project.home.mkdir(mode=0o700, exist_ok=True)
        (project.home / "config.json").write_text(json.dumps(config))


def led(project: Project, task_type: str, *more: str, **options: Any) -> Ended:
    return project.okstra(*led_args(project, task_type), *more, **options)


def led_args(project: Project, task_type: str) -> tuple[str, ...]:
    flags = ("--provider", "rehearsal", "--yes", "--json")
    if task_type == "review":  # of the last commit
        return ("review", "HEAD~1..HEAD", *flags)
    return ("run", "--task-key", project.task_key, "--task-type", task_type, *flags, *project.brief_for(task_type))


def report_of(ended: Ended) -> dict[str, Any]:
    """The data of the report that a led run wrote."""
    manifest = Path(ended.data["manifest"])
    name = manifest.name.replace("run-manifest-", "final-report-").replace(".json", ".data.json")
    value: dict[str, Any] = json.loads((manifest.parent.parent / "reports" / name).read_text())
    return value


def events_of(ended: Ended) -> list[dict[str, Any]]:
    path = Path(ended.data["run_dir"]) / "state" / f"events-{ended.data['seq']:03d}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def manifest_of(ended: Ended) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(Path(ended.data["manifest"]).read_text())
    return value


def _built_in() -> str:
    from .sealed import ROOT

    return (ROOT / "prompts" / "rehearsal" / "default.toml").read_text(encoding="utf-8")


def _part(one: dict[str, Any]) -> str:
    lines = ["[[part]]", *(f"{name} = {_toml(value)}" for name, value in one.items())]
    return "\n".join(lines)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_toml(inner)}" for name, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(inner) for inner in value) + "]"
    return json.dumps(value)
