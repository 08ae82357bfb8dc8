"""Names of things: task keys, stage keys, run ids, the slugs that folders and branches are made of; and branches: a
task's by its work category, a stage's by its number and epoch."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container
from typing import NamedTuple

from .errors import UsageError
from .status import Word

HANDOFF = "release-handoff"

PLANNING = "implementation-planning"
IMPLEMENTATION = "implementation"

AUTO = "auto"

REHEARSAL = "rehearsal"
ACP = "acp:"
"""Begins the names of providers that are agents of the Agent Client Protocol."""
AGENTS_MODEL = "default"
"""Stands for the model that such an agent answers with when nobody asks for another one."""

# Task types that rules name; all of them are in prompts/phases.toml.
VERIFICATION = "final-verification"
REVIEW = "review"

SEGMENT_MAX_BYTES = 64
JOB_NAME = re.compile(r"[A-Za-z0-9._:@/+=-]{1,200}\Z")
"""The name of a job that okstra works for: other machines read it."""
_STAGE = "stage-"
_STAGE_MARK = "#stage-"
CATEGORY_PREFIXES = {
    "feature": "feat",
    "bugfix": "fix",
    "refactor": "refactor",
    "ops": "ops",
    "improvement": "improve",
    "docs": "docs",
    "chore": "chore",
}
DEFAULT_CATEGORY = "feature"
# A review is of work that others did: nobody chooses it as a category.
BRANCH_PREFIXES = {**CATEGORY_PREFIXES, REVIEW: REVIEW}


def slugify_task_segment(text: str) -> str:
    """The folder and branch segment of a task group or id.

    NFKC, lower case, every run of characters other than letters, digits, `.` and `_` becomes one `-`;
    leading and trailing `-` and `.` go. Korean letters stay. Raises UsageError (`bad-identity`) when
    nothing is left, or more than 64 bytes of UTF-8 (docs/design/reservation.md).
    """
    kept = "".join(char if char.isalnum() or char in "._" else "-" for char in _folded(text))
    slug = "-".join(filter(None, kept.split("-"))).strip("-.")
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


def _folded(text: str) -> str:
    """NFKC, lower case."""
    if text.isascii():
        return text.lower()

    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())


def branch_segment(slug: str) -> str:
    """A slug as part of a branch name: what git forbids in refs beyond the slug's own rules is folded."""
    folded = slug
    while ".." in folded:
        folded = folded.replace("..", ".")
    return folded[: -len(".lock")] + "-lock" if folded.endswith(".lock") else folded


def check_job(name: str) -> str:
    """Raises UsageError (`usage`)."""
    if JOB_NAME.match(name) is None:
        raise UsageError(
            "usage",
            f"{name[:80]!r} is no name of a job",
            hint="use up to 200 letters of a to z, digits, or any of . _ : @ / + = -",
        )
    return name


class TaskKey(NamedTuple):
    """`<project-id>:<task-group>:<task-id>`."""

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
        if _split_stage_key(task_id):
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


class StageKey(NamedTuple):
    """`<task-key>#stage-<N>`."""

    task: TaskKey
    stage: int

    @classmethod
    def parse(cls, text: str) -> StageKey:
        """Raises UsageError (`bad-identity`)."""
        parts = _split_stage_key(text)
        if parts is None:
            raise UsageError("bad-identity", f"{text!r} is not a stage key", hint="write <task-key>#stage-<N>")
        return cls(TaskKey.parse(parts[0]), parts[1])

    def __str__(self) -> str:
        return f"{self.task}#stage-{self.stage}"


def parse_place_key(text: str) -> TaskKey | StageKey:
    """A task key or a stage key, whichever it is. Raises UsageError (`bad-identity`)."""
    return StageKey.parse(text) if _split_stage_key(text) else TaskKey.parse(text)


class Named(Word):
    """What an argument of a command names."""

    TASK = "task"
    TASK_OR_STAGE = "task or stage"
    RUN = "run"
    RUN_OR_TASK = "run or task"
    PLAN = "plan"


class RunId(NamedTuple):
    """`<task-key>/<task-type>[/stage-<N>]/<seq>`."""

    task: TaskKey
    task_type: str
    stage: int | None
    seq: int

    @classmethod
    def is_one(cls, text: str) -> bool:
        try:
            cls.parse(text)
        except UsageError:
            return False
        return True

    @classmethod
    def parse(cls, text: str) -> RunId:
        """Raises UsageError (`bad-identity`)."""
        rest, _, seq = text.rpartition("/")
        before, _, last = rest.rpartition("/")
        stage = _stage_number(last[len(_STAGE) :]) if last.startswith(_STAGE) else None
        task, _, task_type = before.rpartition("/") if stage is not None else (before, "", last)
        if not (task and _is_task_type(task_type) and len(seq) >= 3 and number_in(seq) is not None):
            raise UsageError(
                "bad-identity",
                f"{text!r} is not a run id",
                hint="write <task-key>/<task-type>[/stage-<N>]/<seq>, as `okstra list` prints it",
            )
        return cls(TaskKey.parse(task), task_type, stage, int(seq))

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
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def _stage_number(text: str) -> int | None:
    """As `number_in`; stages count from 1, and their numbers have no leading zero."""
    return None if text.startswith("0") else number_in(text)


def _split_stage_key(text: str) -> tuple[str, int] | None:
    task, mark, number = text.rpartition(_STAGE_MARK)
    stage = _stage_number(number) if mark else None
    return None if stage is None else (task, stage)


def _is_task_type(text: str) -> bool:
    """Small letters and dashes, a letter first."""
    letters = text.replace("-", "")
    return text[:1].isalpha() and letters.isascii() and letters.isalpha() and letters.islower()


def check_project_id(project_id: str) -> None:
    """An id that is given to a project now, as `check_new_key`. Raises UsageError (`bad-identity`)."""
    _check_new_part("project id", project_id)


def check_new_key(key: TaskKey) -> None:
    """A key that is given to a task now: letters of any script, digits, `.`, `_`, `-`, and no `-` first.

    Keys are printed in commands that people paste into a shell. Tasks that have another kind of key already keep it.
    Raises UsageError (`bad-identity`) with a proposal.
    """
    for name, value in (("task group", key.task_group), ("task id", key.task_id)):
        _check_new_part(name, value)


def _check_new_part(name: str, value: str) -> None:
    slug = slugify_task_segment(value)
    if value.startswith("-") or not all(char in "._-" or _is_of_a_word(char) for char in value):
        raise UsageError(
            "bad-identity",
            f"the {name} {value!r} may hold letters, digits, '.', '_' and '-' only, and not begin with '-'",
            hint=f"choose another one: {slug}",
        )


def _is_of_a_word(char: str) -> bool:
    """A letter or digit, or a mark that belongs to a letter, as vowels do in some scripts."""
    if char.isascii() or char.isalnum():
        return char.isalnum()

    return unicodedata.category(char) in ("Mn", "Mc")


def _check_no_colon(name: str, value: str) -> None:
    if ":" in value:
        raise UsageError("bad-identity", f"the {name} {value!r} holds ':', which separates the parts of a task key")


def _check_part(name: str, value: str) -> None:
    if _holds_control(value):
        raise UsageError("bad-identity", f"the {name} {value!r} holds a control character")
    slugify_task_segment(value)


def _holds_control(text: str) -> bool:
    if text.isascii():
        return not text.isprintable()

    return any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in text)


class Owner(NamedTuple):
    """A process, so named that a reused pid or a rebooted machine is not mistaken for it."""

    host: str
    boot_id: str
    pid: int
    start_time: str

    def to_json(self) -> dict[str, object]:
        return {"host": self.host, "boot_id": self.boot_id, "pid": self.pid, "start_time": self.start_time}

    @classmethod
    def from_json(cls, value: object) -> Owner | None:
        """None for null. Raises ValueError on another shape."""
        if value is None:
            return None
        if not isinstance(value, dict):
            raise ValueError("an owner is an object or null")
        pid = value.get("pid")
        if not isinstance(pid, int):
            raise ValueError("an owner has a pid")
        return cls(str(value.get("host", "")), str(value.get("boot_id", "")), pid, str(value.get("start_time", "")))


def task_branch(category: str, key: TaskKey) -> str:
    """`<prefix>-<task-id-segment>`; `category` is a key of BRANCH_PREFIXES."""
    return f"{BRANCH_PREFIXES[category]}-{branch_segment(key.id_segment)}"


def category_of_branch(branch: str, key: TaskKey) -> str:
    """The work category that the task's branch was named by; empty when it was named otherwise."""
    return next((one for one in BRANCH_PREFIXES if task_branch(one, key) == branch), "")


def task_branches(key: TaskKey) -> list[str]:
    """The branches that may be the task's, whatever category it was begun with."""
    return [task_branch(category, key) for category in BRANCH_PREFIXES]


def stage_branch(of_task: str, stage: int, epoch: int, taken: Container[str] = ()) -> str:
    """`<task-branch>-s<N>`; where an earlier hold of the stage left that branch, the epoch tells them apart.

    On the first hold a branch of that name is somebody else's: the name stays, and creating it is refused.
    """
    name = f"{of_task}-s{stage}"
    return f"{name}-e{epoch}" if epoch > 1 and name in taken else name
