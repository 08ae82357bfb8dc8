"""The subject `gc`."""
