"""Public names: preparing a run. The code is in `prepare/`."""

from .prepare.folder import StageSelection
from .prepare.prepare import PreparedRun, prepare_task_bundle
from .runs.request import PrepareError, PrepareInputs

__all__ = ["PrepareError", "PrepareInputs", "PreparedRun", "StageSelection", "prepare_task_bundle"]
