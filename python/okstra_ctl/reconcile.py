"""Public names: putting right what crashes and losses left. The code is in `flows/reconcile/`."""

from .flows.reconcile.apply import reconcile
from .flows.reconcile.rebuild import rebuild

__all__ = ["rebuild", "reconcile"]
