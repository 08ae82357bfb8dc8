"""The states of a task's stages as they are now, on every machine that shares the task."""

from __future__ import annotations

from ..errors import OkstraError
from ..lead.waves import PrintProgress
from ..names import TaskKey
from ..services import Services
from ..settings.project import Project
from ..sharing.joining import sharing_of
from ..stages.records import newest_plan_states
from ..stages.select import StageState

_MOST_SILENT = 20


class FreshStates:
    """Asks the remote, where claims are kept at one, before each look. Short silences of the remote are waited for."""

    def __init__(self, project: Project, key: TaskKey, services: Services, print_progress: PrintProgress) -> None:
        self._project, self._key, self._services, self._show = project, key, services, print_progress
        self._silent = 0

    def look(self) -> list[StageState] | None:
        """None while the remote does not answer; raises its error when it has not for long. Raises Refused
        (`plan-not-approved`, `plan-changed`)."""
        try:
            sharing = sharing_of(self._project.root, self._key, self._services)
            if sharing is not None:
                sharing.fetch()
            self._silent = 0
        except OkstraError as error:
            self._silent += 1
            if self._silent == 1:
                self._show(f"{error.message}; trying again")
            if self._silent > _MOST_SILENT:
                raise
            return None
        return newest_plan_states(self._project.files.task(self._key), self._key, self._services)[1]
