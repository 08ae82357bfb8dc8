"""Public names: gathering a run's inputs, asking for what is missing. The code is in `ui/run_inputs.py`."""

from .ui.run_inputs import gather

__all__ = ["gather"]
