"""What a worker is asked to do, how its client is started, and what its client reported."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol

from ..sandbox.choice import Containment
from ..status import Access, Failure, WorkerOutcome
from ..usage.tokens import ModelTokens
from ..usage.windows import Window

IGNORES_TREE = "ignoresTree"
"""The option of a job whose client takes no instructions or settings from the folder that it works in."""


class Job(NamedTuple):
    """One dispatch of one worker. Paths are absolute; limits are seconds.

    `writable` are folders outside `folder` that the client may write: the result's folder, and for an
    executor in a linked worktree git's own folders. `options` are the provider's settings from config.json.
    """

    worker: str
    role: str
    provider: str
    model: str
    prompt: str
    folder: str
    access: Access
    result: str
    audit: str
    log: str
    token: str
    """Unique to the dispatch; every process of it carries it in its environment (`OKSTRA_WORKER`)."""
    soft_limit: float
    hard_limit: float
    writable: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()
    """Folders outside `folder` that the client must be able to read: the task's records, the instruction set."""
    environment: Mapping[str, str] = MappingProxyType({})
    options: Mapping[str, object] = MappingProxyType({})
    home: str = ""
    """okstra's home; with the run's id, it marks every process of the worker (`environment.environment_of`)."""
    run_id: str = ""
    opening: str = ""
    """Text put above the prompt: what only this worker may know."""
    keep_open: tuple[int, ...] = ()
    """Descriptors that stay open as long as a process of the client is alive."""
    containment: Containment | None = None
    """How the client is contained; None: it is watched."""
    budget_usd: float | None = None
    """What the client may spend, where it can be held to that; None: any amount."""
    stall_after: float = 0.0
    """Seconds without output, processor time and network traffic after which that is reported; 0: never."""


class Launch(NamedTuple):
    """How to start the client. The prompt is passed on `stdin`; `environment` is complete."""

    argv: tuple[str, ...]
    stdin: bytes
    environment: Mapping[str, str]


class Usage(NamedTuple):
    """Tokens of one dispatch; `input` excludes cached tokens. `cost_usd` is None unless the client reports it."""

    input: int
    cached: int
    cache_written: int
    output: int
    cost_usd: float | None = None
    models: tuple[ModelTokens, ...] = ()
    """By model, sub-agents included, where the client reports it."""


class StreamResult(NamedTuple):
    """What a client's output stream reported. Without `ended`, its terminal event, the turn is unfinished."""

    ended: bool
    failure: Failure = Failure.NONE
    message: str = ""
    retry_after: float | None = None
    model: str | None = None
    """The model that answered, from the stream; None when the client does not report it."""
    usage: Usage | None = None
    denials: tuple[str, ...] = ()
    last_message: str = ""
    """The closing text: the result itself where the client can write no file (`Provider.delivers_by_message`)."""
    session: str = ""
    """The client's id of its session, which also names the client's own session file."""
    windows: tuple[Window, ...] = ()
    """What it reported of its subscription."""


class Report(NamedTuple):
    """How a dispatch ended. `outcome` does not depend on the result's content: the caller checks that."""

    outcome: WorkerOutcome
    stream: StreamResult
    exit_status: int | None
    seconds: float
    attempts: int
    """How often the client was started: more than one after rate limits and overload."""


class Provider(Protocol):
    """One client program. Adapters are pure: they build a command line and read a stream."""

    name: str

    def delivers_by_message(self, access: Access) -> bool:
        """Whether the closing message is the result, because the client may write no file under this access."""

    def launch(self, job: Job, prompt: str, inherited: Mapping[str, str]) -> Launch:
        """The command line. `inherited` is okstra's own environment without git's and other runs' variables."""

    def read_stream(self, stdout: bytes, stderr: bytes, exit_status: int | None) -> StreamResult:
        """Reads the stream. Garbage and incomplete lines are no error; they are just not a terminal event."""
