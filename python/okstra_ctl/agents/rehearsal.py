"""The provider `rehearsal`: needs no account and no network, and never claims to be a model."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from ..status import Access, Failure
from .job import Job, Launch, StreamResult, Usage
from .streams import count_at, events, list_at, number_at, text_at

_PACKAGE_PARENT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from okstra_ctl.agents.rehearsal_player import main; main()"
_FAILURES = {str(failure): failure for failure in (Failure.RATE_LIMIT, Failure.OVERLOADED, Failure.LOGIN)}


class Rehearsal:
    """Its client is okstra's own player; `options["script"]` is the script's absolute path, empty for the built-in."""

    name = "rehearsal"

    def delivers_by_message(self, access: Access) -> bool:
        return False

    def launch(self, job: Job, prompt: str, inherited: Mapping[str, str]) -> Launch:
        environment = {
            **inherited,
            "OKSTRA_WORKER_ID": job.worker,
            "OKSTRA_ROLE": job.role,
            "OKSTRA_RESULT": job.result,
            "OKSTRA_AUDIT": job.audit,
            **job.environment,
        }
        script = str(job.options.get("script") or "")
        argv = (sys.executable, "-I", "-X", "utf8", "-c", _START, _PACKAGE_PARENT, script)
        return Launch(argv, prompt.encode("utf-8", "replace"), environment)

    def read_stream(self, stdout: bytes, stderr: bytes, exit_status: int | None) -> StreamResult:
        results = [event for event in events(stdout) if event.get("type") == "result"]
        if not results:
            complaint = stderr.decode("utf-8", "replace").strip()[-500:]
            return StreamResult(ended=False, failure=Failure.INTERRUPTED, message=complaint)
        result = results[-1]
        failure = Failure.NONE
        if text_at(result, "status") != "completed" or exit_status not in (0, None):
            failure = _FAILURES.get(text_at(result, "failure"), Failure.CLIENT)
        return StreamResult(
            ended=True,
            failure=failure,
            message=text_at(result, "message"),
            retry_after=number_at(result, "retry_after"),
            model="rehearsal",
            usage=Usage(count_at(result, "usage", "input"), 0, 0, count_at(result, "usage", "output"), _cost(stdout)),
            denials=tuple(str(denial) for denial in list_at(result, "denials")),
        )


def _cost(stdout: bytes) -> float:
    """The cost that the script reports: 0, unless it plays a client that costs something."""
    return sum(number_at(event, "usd") or 0.0 for event in events(stdout) if event.get("type") == "cost")
