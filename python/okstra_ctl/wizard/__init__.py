"""Public names: the input state machine. The code is in `core/wizard/` and `wizard/session.py`."""

from .session import confirmation, load, prompt, start, step

__all__ = ["confirmation", "load", "prompt", "start", "step"]
