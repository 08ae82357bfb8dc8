"""Public names: writing ledger rows that a crash kept from being written. The code is in `flows/recover.py`."""

from .flows.recover import heal_ledger

__all__ = ["heal_ledger"]
