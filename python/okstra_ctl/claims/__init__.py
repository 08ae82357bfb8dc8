"""The subject `claims`."""
