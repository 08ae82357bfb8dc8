"""Names of things: task keys, stage keys, run ids, and the slugs that folders and branches are made of (spec 3)."""

from __future__ import annotations

import re
import unicodedata

from ..words.errors import UsageError
from ..words.records import Record

SEGMENT_MAX_BYTES = 64
_DASHES = re.compile(r"-+")
_STAGE_SUFFIX = re.compile(r"#stage-([1-9][0-9]{0,8})\Z")
_NUMBER = re.compile(r"[0-9]{1,9}\Z")
_RUN_ID = re.compile(
    r"^(?P<task>.+)/(?P<type>[a-z][a-z-]*)(?:/stage-(?P<stage>[1-9][0-9]{0,8}))?/(?P<seq>[0-9]{3,9})\Z", re.S
)


def slugify_task_segment(text: str) -> str:
    """The folder and branch segment of a task group or id.

    NFKC, lower case, every run of characters other than letters, digits, `.` and `_` becomes one `-`;
    leading and trailing `-` and `.` go. Korean letters stay. Raises UsageError (`bad-identity`) when
    nothing is left, or more than 64 bytes of UTF-8 (spec 3, "Identity").
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())
    kept = "".join(char if char.isalnum() or char in "._" else "-" for char in folded)
    slug = _DASHES.sub("-", kept).strip("-.")
    if not slug:
        raise UsageError(
            "bad-identity",
            f"{text!r} has no letter or digit to name a folder with",
            hint="use letters, digits, '.', '_' or '-'",
        )
    if len(slug.encode("utf-8", "surrogatepass")) > SEGMENT_MAX_BYTES:
        raise UsageError(
            "bad-identity",
            f"{text[:40]!r}… is longer than {SEGMENT_MAX_BYTES} bytes as a folder name",
            hint="choose a shorter id; the title can be long",
        )
    return slug


def branch_segment(slug: str) -> str:
    """A slug as part of a branch name: what git forbids in refs beyond the slug's own rules is folded."""
    folded = re.sub(r"\.{2,}", ".", slug)
    return folded[: -len(".lock")] + "-lock" if folded.endswith(".lock") else folded


class TaskKey(Record):
    """`<project-id>:<task-group>:<task-id>` (spec 3)."""

    project_id: str
    task_group: str
    task_id: str

    @classmethod
    def make(cls, project_id: str, task_group: str, task_id: str) -> TaskKey:
        """Checks the three parts. Raises UsageError (`bad-identity`)."""
        for name, value in (("project id", project_id), ("task group", task_group), ("task id", task_id)):
            _check_part(name, value)
        for name, value in (("project id", project_id), ("task group", task_group)):
            _check_no_colon(name, value)
        if _STAGE_SUFFIX.search(task_id):
            raise UsageError("bad-identity", f"the task id {task_id!r} ends like a stage key")
        return cls(project_id, task_group, task_id)

    @classmethod
    def parse(cls, text: str) -> TaskKey:
        """Reads `P:G:I`; the task id may hold further colons. Raises UsageError (`bad-identity`)."""
        parts = text.split(":", 2)
        if len(parts) != 3:
            raise UsageError(
                "bad-identity", f"{text!r} is not a task key", hint="write <project-id>:<task-group>:<task-id>"
            )
        return cls.make(*parts)

    def __str__(self) -> str:
        return ":".join(self)

    @property
    def project_segment(self) -> str:
        return slugify_task_segment(self.project_id)

    @property
    def group_segment(self) -> str:
        return slugify_task_segment(self.task_group)

    @property
    def id_segment(self) -> str:
        return slugify_task_segment(self.task_id)


class StageKey(Record):
    """`<task-key>#stage-<N>` (spec 3)."""

    task: TaskKey
    stage: int

    @classmethod
    def parse(cls, text: str) -> StageKey:
        """Raises UsageError (`bad-identity`)."""
        match = _STAGE_SUFFIX.search(text)
        if match is None:
            raise UsageError("bad-identity", f"{text!r} is not a stage key", hint="write <task-key>#stage-<N>")
        return cls(TaskKey.parse(text[: match.start()]), int(match[1]))

    def __str__(self) -> str:
        return f"{self.task}#stage-{self.stage}"


def parse_place_key(text: str) -> TaskKey | StageKey:
    """A task key or a stage key, whichever it is. Raises UsageError (`bad-identity`)."""
    return StageKey.parse(text) if _STAGE_SUFFIX.search(text) else TaskKey.parse(text)


class RunId(Record):
    """`<task-key>/<task-type>[/stage-<N>]/<seq>` (spec 3)."""

    task: TaskKey
    task_type: str
    stage: int | None
    seq: int

    @classmethod
    def parse(cls, text: str) -> RunId:
        """Raises UsageError (`bad-identity`)."""
        match = _RUN_ID.match(text)
        if match is None:
            raise UsageError(
                "bad-identity",
                f"{text!r} is not a run id",
                hint="write <task-key>/<task-type>[/stage-<N>]/<seq>, as `okstra list` prints it",
            )
        stage = int(match["stage"]) if match["stage"] else None
        return cls(TaskKey.parse(match["task"]), match["type"], stage, int(match["seq"]))

    def __str__(self) -> str:
        stage = f"/stage-{self.stage}" if self.stage is not None else ""
        return f"{self.task}/{self.task_type}{stage}/{format_seq(self.seq)}"

    @property
    def stage_key(self) -> StageKey | None:
        return None if self.stage is None else StageKey(self.task, self.stage)


def format_seq(seq: int) -> str:
    """A run's number as its files carry it: at least three digits."""
    return f"{seq:03d}"


def number_in(text: str) -> int | None:
    """The number that a part of a name is; None for anything but one to nine plain digits."""
    return int(text) if _NUMBER.match(text) else None


def check_project_id(project_id: str) -> None:
    """Raises UsageError (`bad-identity`)."""
    _check_part("project id", project_id)
    _check_no_colon("project id", project_id)


def _check_no_colon(name: str, value: str) -> None:
    if ":" in value:
        raise UsageError("bad-identity", f"the {name} {value!r} holds ':', which separates the parts of a task key")


def _check_part(name: str, value: str) -> None:
    if any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in value):
        raise UsageError("bad-identity", f"the {name} {value!r} holds a control character")
    slugify_task_segment(value)
