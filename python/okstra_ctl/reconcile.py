"""Public names: putting right what dead runs left. The code is in `flows/recover.py`."""

from .flows.recover import is_abandoned, recover_task

__all__ = ["is_abandoned", "recover_task"]
