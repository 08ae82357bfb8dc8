"""The subject `runs`."""
