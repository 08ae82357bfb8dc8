"""Public names: putting right what crashes and losses left. The code is in `recovery/`."""

from .recovery.rebuild import rebuild
from .recovery.survey import reconcile

__all__ = ["rebuild", "reconcile"]
