"""Public names: the input state machine. The code is in `core/wizard/` and `flows/wizard.py`."""

from .flows.wizard import confirmation, load, prompt, start, step

__all__ = ["confirmation", "load", "prompt", "start", "step"]
