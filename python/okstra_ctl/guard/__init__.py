"""The subject `guard`."""
