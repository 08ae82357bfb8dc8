"""Public names: preparing a run. The code is in `flows/prepare/`."""

from .flows.prepare.bundle import PreparedRun, prepare_task_bundle
from .flows.prepare.inputs import PrepareError, PrepareInputs
from .flows.prepare.run_folder import StageSelection

__all__ = ["PrepareError", "PrepareInputs", "PreparedRun", "StageSelection", "prepare_task_bundle"]
