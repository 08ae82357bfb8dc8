"""Any program as a provider: named in the settings, prompt on its standard input, result file at `$OKSTRA_RESULT`."""

from __future__ import annotations

from collections.abc import Mapping

from ..status import Access, Failure
from ..system.template import fill
from .environment import client_environment
from .job import Job, Launch, StreamResult
from .retry_times import retry_after_in
from .streams import failure_in

PLACEHOLDERS = ("MODEL", "PROMPT", "RESULT", "AUDIT", "WORKTREE", "ACCESS")


class Command:
    """`argv` may contain `{{MODEL}}` and the other names of PLACEHOLDERS. Exit status 0 means that the turn is
    complete; the caller checks the result file. okstra gives it no sandbox: what it may do is up to the program."""

    def __init__(self, name: str, argv: tuple[str, ...], environment: Mapping[str, str]) -> None:
        self.name, self._argv, self._environment = name, argv, environment

    def delivers_by_message(self, access: Access) -> bool:
        return False

    def launch(self, job: Job, prompt: str, inherited: Mapping[str, str]) -> Launch:
        texts = (job.model, job.prompt, job.result, job.audit, job.folder, str(job.access))
        values = dict(zip(PLACEHOLDERS, texts, strict=True))
        argv = tuple(fill(word, values) for word in self._argv)
        own = {**self._environment, "OKSTRA_ACCESS": str(job.access), "OKSTRA_MODEL": job.model}
        return Launch(argv, prompt.encode("utf-8", "replace"), client_environment(job, inherited, always=own))

    def read_stream(self, stdout: bytes, stderr: bytes, exit_status: int | None) -> StreamResult:
        message = stderr.decode("utf-8", "replace").strip()[-500:]
        if exit_status == 0:
            return StreamResult(ended=True, last_message=stdout.decode("utf-8", "replace").strip()[-2000:])
        failure = Failure.INTERRUPTED if exit_status is None or exit_status < 0 else failure_in(message)
        return StreamResult(False, failure, message or f"it ended with {exit_status}", retry_after_in(message))
