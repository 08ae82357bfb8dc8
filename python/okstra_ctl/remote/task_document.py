"""The shared state as bytes. What comes from a remote is hostile: it is small, of this schema, of this task, and names
no place. Anything else is a `DocumentError`.

Fields that this okstra does not know, of a newer minor version, are kept and written back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from ..errors import UsageError
from ..names import JOB_NAME, Owner, RunId, TaskKey
from ..system.text import DocumentError, encode, loads
from .shared_task import Approval, Claim, Hold, Holder, Integration, SharedStage, SharedTask

SCHEMA = "shared-task/1"
TASK, PLAN, ROWS = "task.json", "plan.md", "consumers.jsonl"
MOST_BYTES: Mapping[str, int] = {TASK: 1024 * 1024, PLAN: 1024 * 1024, ROWS: 8 * 1024 * 1024}
MOST_ROWS = 10_000
_MOST_STAGES = 1000
_LARGEST = 10**9
_COMMIT = re.compile(r"(?:[0-9a-f]{40}(?:[0-9a-f]{24})?)?\Z")
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_WORD = JOB_NAME
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\Z")
_LINE = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{0,300}\Z")
_TEXT = re.compile(r"[^\x00\ud800-\udfff]{0,4000}\Z", re.DOTALL)
_KIND = re.compile(r"[a-z][a-z-]{0,60}(?:/stage-[1-9][0-9]{0,8})?\Z")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}\Z")

Fields = Mapping[str, object]


class SharedFiles(NamedTuple):
    """The tree of one commit: the state, the approved plan's bytes, and the rows of the ledger that come with it."""

    task: SharedTask
    plan: bytes = b""
    rows: bytes = b""


def parse_files(found: Mapping[str, bytes], key: TaskKey) -> SharedFiles:
    """Raises DocumentError."""
    for name, data in found.items():
        if name not in MOST_BYTES:
            raise DocumentError(f"it has a file {name[:100]!r}, which this okstra does not know")
        if len(data) > MOST_BYTES[name]:
            raise DocumentError(f"{name} is larger than {MOST_BYTES[name]} bytes")
    if TASK not in found:
        raise DocumentError(f"there is no {TASK}")
    rows = found.get(ROWS, b"")
    if rows.count(b"\n") > MOST_ROWS or (rows and not rows.endswith(b"\n")):
        raise DocumentError(f"{ROWS} has more than {MOST_ROWS} rows, or one that is cut off")
    return SharedFiles(parse_task(found[TASK], key), found.get(PLAN, b""), rows)


def dump_files(one: SharedFiles) -> dict[str, bytes]:
    """Raises DocumentError when others would refuse to read it."""
    found = {TASK: dump_task(one.task), PLAN: one.plan, ROWS: one.rows}
    parse_files(found, one.task.key)
    return {name: data for name, data in found.items() if data}


def dump_task(task: SharedTask) -> bytes:
    document = {
        "schema": SCHEMA,
        "key": str(task.key),
        "anchor": task.anchor,
        "approval": task.approval._asdict() if task.approval else None,
        "next_runs": dict(sorted(task.next_runs.items())),
        "stages": {str(number): _stage_json(stage) for number, stage in sorted(task.stages.items())},
        "integration": _integration_json(task.integration),
        **task.unknown,
    }
    return encode(document, indent=1) + b"\n"


def parse_task(data: bytes, key: TaskKey) -> SharedTask:
    """Raises DocumentError when it is no state of that very task."""
    try:
        document = loads(data.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"{TASK} is not JSON: {error}") from None
    try:
        return _task(_object(document, "the document"), key)
    except (ValueError, UsageError) as error:
        raise DocumentError(f"{TASK}: {error}") from None


def _task(document: Fields, key: TaskKey) -> SharedTask:
    if document.get("schema") != SCHEMA:
        raise ValueError(f"its schema is {str(document.get('schema'))[:60]!r}; this okstra reads {SCHEMA!r}")
    if document.get("key") != str(key):
        raise ValueError("it is of another task")
    runs, stages = _object(document.get("next_runs"), "next_runs"), _object(document.get("stages"), "stages")
    if len(stages) > _MOST_STAGES or len(runs) > 2 * _MOST_STAGES:
        raise ValueError(f"more than {_MOST_STAGES} stages")
    if "approval" not in document or "integration" not in document:
        raise ValueError("approval or integration is missing")
    approval, integration = document["approval"], document["integration"]
    return SharedTask(
        key=key,
        anchor=_match(document, "anchor", _COMMIT),
        approval=None if approval is None else _approval(_object(approval, "approval")),
        next_runs={_matching(kind, _KIND, "next_runs"): _count(runs, kind) for kind in runs},
        stages={
            int(_matching(number, _NUMBER, "stages")): _stage(_object(entry, number), key, int(number))
            for number, entry in stages.items()
        },
        integration=None if integration is None else _integration(_object(integration, "integration")),
        unknown=_others(document, "schema", *SharedTask._fields),
    )


def _approval(entry: Fields) -> Approval:
    return Approval(_match(entry, "digest", _DIGEST), _match(entry, "who", _LINE), _match(entry, "at", _TIME))


def _stage_json(stage: SharedStage) -> dict[str, object]:
    fields = {name: value for name, value in stage._asdict().items() if name not in ("claim", "unknown")}
    return {**_claim_json(stage.claim), **fields, **stage.unknown}


def _stage(entry: Fields, key: TaskKey, number: int) -> SharedStage:
    claim, seq = _claim(entry), _count(entry, "seq")
    run = RunId.parse(_match(entry, "run_id", _LINE))
    if (run.task, run.stage, run.seq) != (key, number, seq):
        raise ValueError(f"the run of stage {number} is of another task, stage or number")
    head = _match(entry, "head", _COMMIT)
    if (claim.status is Hold.DONE) != bool(head):
        raise ValueError(f"stage {number} is done without a commit, or has one and is not done")
    return SharedStage(
        claim=claim,
        plan_digest=_match(entry, "plan_digest", _DIGEST),
        seq=seq,
        run_id=str(run),
        base=_match(entry, "base", _COMMIT),
        head=head,
        exit_check=_match(entry, "exit_check", _TEXT),
        proof=_match(entry, "proof", _TEXT),
        unknown=_others(entry, *_CLAIM_FIELDS, *SharedStage._fields),
    )


def _integration_json(one: Integration | None) -> dict[str, object] | None:
    return None if one is None else {**_claim_json(one.claim), "head": one.head, **one.unknown}


def _integration(entry: Fields) -> Integration:
    return Integration(_claim(entry), _match(entry, "head", _COMMIT), _others(entry, *_CLAIM_FIELDS, "head"))


_CLAIM_FIELDS = ("status", "epoch", "token", "machine", "process", "job", "at", "beat")


def _claim_json(claim: Claim) -> dict[str, object]:
    return {
        "status": str(claim.status),
        "epoch": claim.epoch,
        "token": claim.token,
        "machine": claim.holder.machine,
        "process": claim.holder.process.to_json(),
        "job": claim.holder.job,
        "at": claim.at,
        "beat": claim.beat,
    }


def _claim(entry: Fields) -> Claim:
    process = _object(entry.get("process"), "process")
    owner = Owner(
        host=_match(process, "host", _LINE),
        boot_id=_match(process, "boot_id", _LINE),
        pid=_count(process, "pid"),
        start_time=_match(process, "start_time", _LINE),
    )
    job = "" if entry.get("job") == "" else _match(entry, "job", _WORD)
    holder = Holder(_match(entry, "machine", _WORD), owner, job)
    return Claim(
        status=Hold(str(entry.get("status"))),
        epoch=_count(entry, "epoch"),
        token=_match(entry, "token", _WORD),
        holder=holder,
        at=_match(entry, "at", _TIME),
        beat=_count(entry, "beat", least=0),
    )


def _no_number(word: str) -> object:
    raise ValueError(f"{word} is no number")


def _object(value: object, what: str) -> Fields:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is not an object")
    return value


def _match(entry: Fields, field: str, form: re.Pattern[str]) -> str:
    return _matching(entry.get(field), form, field)


def _matching(value: object, form: re.Pattern[str], field: str) -> str:
    if not isinstance(value, str) or form.match(value) is None:
        raise ValueError(f"{field} is {str(value)[:60]!r}")
    return value


def _count(entry: Fields, field: str, *, least: int = 1) -> int:
    value = entry.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= _LARGEST:
        raise ValueError(f"{field} is {str(value)[:60]!r}")
    return value


def _others(entry: Fields, *known: str) -> dict[str, object]:
    return {name: value for name, value in entry.items() if name not in known}
