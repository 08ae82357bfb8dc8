"""Settings of all unit tests."""

from __future__ import annotations

from hypothesis import settings

# A busy machine is no failure: how long one example takes says nothing here.
settings.register_profile("unit", deadline=None)
settings.load_profile("unit")
