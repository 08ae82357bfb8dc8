"""The subject `tasks`."""
