"""The subject `settings`."""
