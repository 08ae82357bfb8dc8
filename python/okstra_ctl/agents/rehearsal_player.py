"""The rehearsal's client: a real process that plays its part of a script, and declares itself a rehearsal.

It reads the prompt from its standard input and prints one JSON object a line, the last of them its result.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from ..errors import OkstraError, UsageError
from ..system import assets, files, processes
from ..system.text import UnknownPlaceholder, dumps
from .rehearsal_script import MATCHES, Part, Step, anchors, expand, name_for, parse_script, part_for

_WORD = "(rehearsal)"
_SCHEMA = "final-report-v1.schema.json"
DEFAULT_SCRIPT = ("prompts", "rehearsal", "default.toml")
NOTE = "rehearsal: no model was asked; a script is played"
_PREFIX = "OKSTRA_"
_NO_COMMIT = "none"
"""What a result gives as its commit where there is none: in a project without git, or without a commit."""
# The names that a script may always use; those that the run does not set are empty.
_ALWAYS = (
    *("RUN_ID", "TASK_KEY", "PHASE", "ROLE", "WORKER_ID", "STAGE", "ROUND", "ATTEMPT"),
    *("RESULT", "AUDIT", "DRAFT", "COMMIT", "HEAD", "PLAN", "ITEMS", "STEPS", "FILES", "TOKEN"),
)


class ScriptFinished(Exception):
    """The part ends before its last step. `result` is the content of its terminal event, None for no such event."""

    def __init__(self, result: dict[str, object] | None, status: int) -> None:
        self.result, self.status = result, status


def main() -> NoReturn:
    """`rehearsal_player SCRIPT`; an empty name stands for the built-in script."""
    prompt = sys.stdin.buffer.read().decode("utf-8", "replace")
    status = 0
    emit({"type": "init", "client": "rehearsal", "model": "rehearsal", "note": NOTE})
    try:
        result: dict[str, object] | None = {"status": "completed"}
        Player(sys.argv[1], prompt, os.environ).play()
    except ScriptFinished as over:
        result, status = over.result, over.status
    except OkstraError as error:
        result, status = {"status": "failed", "message": f"{error.message} ({error.where})"}, 1
    except UnknownPlaceholder as error:
        result, status = {"status": "failed", "message": f"the script asks for {{{{{error}}}}}, which nothing gives"}, 1
    if result is not None:
        emit({"type": "result", **result, "usage": {"input": 0, "output": 0}, "note": NOTE})
    sys.stdout.flush()
    os._exit(status)


def emit(event: dict[str, object]) -> None:
    sys.stdout.write(dumps(event).encode("utf-8", "replace").decode("utf-8") + "\n")
    sys.stdout.flush()


class Player:
    """Plays one dispatch. Raises ScriptFinished, UsageError, WorkFailed and UnknownPlaceholder."""

    def __init__(self, script: str, prompt: str, environment: Mapping[str, str]) -> None:
        self._values = self._known(prompt, environment)
        self._parts, self._script = load(script)
        self._do: dict[str, Callable[[Step], None]] = {
            "edit": self._edit,
            "write": self._write,
            "planned": self._planned,
            "run": self._run,
            "commit": self._commit,
            "result": self._result,
            "audit": self._audit,
            "report": self._report,
            "say": lambda step: emit({"type": "message", "text": self._text(step.value)}),
            "wait": lambda step: time.sleep(step.value),
            "cost": lambda step: emit({"type": "cost", "usd": float(step.value)}),
            "fault": self._fault,
        }
        self._to_come: tuple[Step, ...] = ()

    @staticmethod
    def _known(prompt: str, environment: Mapping[str, str]) -> dict[str, str]:
        given = {name[len(_PREFIX) :]: value for name, value in environment.items() if name.startswith(_PREFIX)}
        known = {**dict.fromkeys(_ALWAYS, ""), **anchors(prompt), **given}
        return {**known, "COMMIT": known["COMMIT"] or _NO_COMMIT}

    def play(self) -> None:
        names = {"worker": "WORKER_ID"}
        facts = {name: self._values[names.get(name, name.upper())] for name in MATCHES}
        part = part_for(self._parts, facts)
        if part is None:
            dispatch = ", ".join(f"{name} {value or '(none)'}" for name, value in facts.items())
            raise UsageError("bad-config", f"no part of the script is for {dispatch}", where=self._script)
        for number, step in enumerate(part.steps):
            self._to_come = part.steps[number + 1 :]
            emit({"type": "step", "step": step.kind, "number": number + 1})
            self._do[step.kind](step)

    def _text(self, text: str) -> str:
        self._values["HEAD"] = _head() if "{{HEAD}}" in text else ""
        return expand(text, self._values)

    def _edit(self, step: Step) -> None:
        path, find = step.value["path"], self._text(step.value["find"])
        old = (files.read_bytes(path) or b"").decode("utf-8", "surrogateescape")
        replacement = self._text(step.value["replace"])
        if replacement and replacement in old and find not in old.replace(replacement, ""):
            return  # done by an interrupted attempt
        if old.count(find) != 1:
            fault = f"the text to replace occurs {old.count(find)} times in {path}"
            raise UsageError("bad-config", fault, where=self._script)
        _write_file(path, old.replace(find, replacement))

    def _write(self, step: Step) -> None:
        _write_file(step.value["path"], self._text(step.value["content"]))

    def _planned(self, step: Step) -> None:
        """A file that exists already is appended to, never overwritten."""
        names = list(map(name_for, self._values["FILES"].split("\n"))) if self._values["FILES"] else []
        if not names:
            raise ScriptFinished({"status": "failed", "message": "the stage plans no file that could be written"}, 1)
        name = next((name for name in names if not os.path.lexists(name)), names[0])
        old = (files.read_bytes(name) or b"").decode("utf-8", "surrogateescape") if os.path.lexists(name) else ""
        _write_file(name, old + self._text(step.value))
        emit({"type": "message", "text": f"wrote {name}"})

    def _run(self, step: Step) -> None:
        command = self._text(step.value)
        ended = processes.run(["sh", "-c", command])
        emit({"type": "command", "command": command, "exit": ended.status, "output": _shown(ended)})
        wanted = step.beside.get("exit", 0)
        if ended.status != wanted:
            message = f"`{command}` ended with {ended.status}, and the script says {wanted}"
            raise ScriptFinished({"status": "failed", "message": message}, 1)

    def _commit(self, step: Step) -> None:
        """Nothing staged is no failure: an interrupted attempt has committed it."""
        for argv in (["git", "add", "-A"], ["git", "commit", "-q", "-m", self._text(step.value)]):
            if argv[1] == "commit" and processes.run(["git", "diff", "--cached", "--quiet"]).ok:
                return
            ended = processes.run(argv)
            if not ended.ok:
                message = f"{argv[0]} {argv[1]} ended with {ended.status}: {_shown(ended)}"
                raise ScriptFinished({"status": "failed", "message": message}, 1)

    def _result(self, step: Step) -> None:
        files.replace(self._values["RESULT"], self._text(step.value).encode("utf-8", "surrogateescape"))

    def _audit(self, step: Step) -> None:
        files.replace(self._values["AUDIT"], self._text(step.value).encode("utf-8", "surrogateescape"))

    def _report(self, step: Step) -> None:
        draft = files.read_json(self._values["DRAFT"]) or {}
        tokens = draft.get("tokens")
        self._values["TOKEN"] = str(tokens[0]) if isinstance(tokens, list) and tokens else ""
        report = written(draft, _each_text(step.value, self._text))
        files.replace(self._values["RESULT"], files.json_bytes(report))

    def _fault(self, step: Step) -> None:
        kind = step.value
        if kind == "deaf":
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
        if kind in ("hang", "deaf"):
            while True:
                time.sleep(3600)
        if kind == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        if kind == "half":
            texts = [later.value for later in self._to_come if later.kind == "result"]
            whole = self._text(texts[0]) if texts else ""
            files.replace(self._values["RESULT"], whole[: len(whole) // 2].encode("utf-8", "surrogateescape"))
            sys.stdout.write('{"type": "result", "status": "comp')
        if kind == "garbage":
            sys.stdout.flush()
            sys.stdout.buffer.write(bytes(range(256)) * 8)
        if kind == "empty":
            files.replace(self._values["RESULT"], b"")
            raise ScriptFinished({"status": "completed"}, 0)
        if kind == "denied":
            raise ScriptFinished({"status": "completed", "denials": ["Write: a tool that the script had refused"]}, 0)
        if kind in ("rate-limit", "overloaded", "login"):
            after = {"retry_after": step.beside["after"]} if "after" in step.beside else {}
            raise ScriptFinished(
                {"status": "failed", "failure": kind, "message": f"a {kind} by the script", **after}, 1
            )
        raise ScriptFinished(None, 1 if kind == "half" else 0)


def load(path: str) -> tuple[tuple[Part, ...], str]:
    """The parts of a script, and its name for messages. Raises UsageError (`bad-config`), Missing, Unreadable."""
    if not path:
        return parse_script(assets.toml(*DEFAULT_SCRIPT), where="/".join(DEFAULT_SCRIPT)), "/".join(DEFAULT_SCRIPT)
    data = files.read_bytes(path)
    if data is None:
        raise UsageError("bad-config", "there is no such rehearsal script", where=path)
    try:
        return parse_script(assets.parse_toml(data.decode("utf-8")), where=path), path
    except ValueError as error:  # also what the TOML parser and the decoder raise
        raise UsageError("bad-config", f"the rehearsal script is not TOML: {error}", where=path) from None


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {name: _each_text(inner, change) for name, inner in value.items()}
    if isinstance(value, list):
        return [_each_text(inner, change) for inner in value]
    return change(value) if isinstance(value, str) else value


def _write_file(path: str, content: str) -> None:
    """Writes a file of the project as an editor would: in place, keeping its mode, following links."""
    try:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(content)
    except OSError as error:
        files.raise_write_failed(path, error)


def _head() -> str:
    read = processes.run(["git", "rev-parse", "HEAD"])
    return read.stdout.decode().strip() if read.ok else _NO_COMMIT


def _shown(ended: processes.Finished) -> str:
    return (ended.stdout + ended.stderr).decode("utf-8", "replace")[-2000:]


def written(draft: Mapping[str, Any], words: Mapping[str, Any]) -> dict[str, Any]:
    """The report: the draft, overlaid with the script's fields, with every field filled in that the schema requires."""
    report = _laid_over(draft, words)
    schema: dict[str, Any] = files.read_json(f"{assets.root()}/schemas/{_SCHEMA}") or {}
    phase = schema.get("$defs", {}).get(f"phase-{draft.get('task_type', '')}")
    verdict = schema.get("properties", {}).get("verdict")
    for name, shape in (("phase", phase), ("verdict", verdict)):
        if isinstance(shape, Mapping):
            report[name] = _filled(shape, report.get(name), needed=True)
    return report


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    both = dict(below)
    for name, value in above.items():
        under = both.get(name)
        both[name] = _laid_over(under, value) if isinstance(under, Mapping) and isinstance(value, Mapping) else value
    return both


def _filled(shape: Mapping[str, Any], value: Any, *, needed: bool) -> Any:
    """The value, or a placeholder where it is required and empty."""
    kind = shape.get("type")
    if kind == "object":
        found = value if isinstance(value, Mapping) else {}
        return {
            **found,
            **{
                name: _filled(inner, found.get(name), needed=bool(inner.get("needed")))
                for name, inner in shape.get("properties", {}).items()
            },
        }
    if value:
        return value
    if kind == "array":
        return [_one(shape.get("items", {}))] if needed else []
    if kind == "string":
        return _WORD if needed else (value or "")
    return value


def _one(shape: Mapping[str, Any]) -> Any:
    """One item of a list that may not be empty."""
    if shape.get("type") == "object":
        return {name: _one(inner) for name, inner in shape.get("properties", {}).items()}
    if shape.get("type") == "array":
        return []
    if "enum" in shape:
        return shape["enum"][0]
    return 1 if shape.get("type") == "integer" else _WORD
