"""The states of a task's stages as they are now, on every machine that shares the task."""

from __future__ import annotations

from ..errors import OkstraError
from ..lead.waves import PrintProgress
from ..names import TaskKey
from ..services import Services
from ..settings.project import Project
from ..sharing.joining import sharing_of
from ..stages.publication import publish_late_gates
from ..stages.records import newest_plan_states
from ..stages.select import StageState
from .waiting import UNREACHABLE, Silence


class FreshStates:
    """Asks the remote, where claims are kept at one, before each look, and publishes gates that were passed while it
    was away. Short silences of the remote are waited for."""

    def __init__(self, project: Project, key: TaskKey, services: Services, print_progress: PrintProgress) -> None:
        self._project, self._key, self._services = project, key, services
        self._silence = Silence(print_progress)
        self.others = False
        """Whether other machines did stages, as of the last look."""

    def look(self) -> list[StageState] | None:
        """None while the remote does not answer; raises its error when it has not for long. Raises Refused
        (`plan-not-approved`, `plan-changed`), and what `SharedClaims` raises."""
        files = self._project.files
        try:
            sharing = sharing_of(self._project.root, self._key, self._services)
            if sharing is not None:
                sharing.fetch()
            states = newest_plan_states(files.task(self._key), self._key, self._services)[1]
            if sharing is not None:
                publish_late_gates(sharing, files, states)
        except OkstraError as error:
            if error.code != UNREACHABLE:
                raise
            self._silence.note(error)
            return None
        self._silence.end()
        self.others = any(state.host for state in states)
        return states
