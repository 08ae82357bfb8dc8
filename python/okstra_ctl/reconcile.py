"""Public names: putting right what crashes and losses left. The code is in `recovery/`."""

from .recovery.apply import reconcile
from .recovery.rebuild import rebuild

__all__ = ["rebuild", "reconcile"]
