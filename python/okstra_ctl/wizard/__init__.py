"""Public names: the input state machine. The code is in this folder."""

from .session import confirmation, load, prompt, start, step

__all__ = ["confirmation", "load", "prompt", "start", "step"]
