"""The subject `system`."""
