"""The subject `handoff`."""
