"""The subject `usage`."""
