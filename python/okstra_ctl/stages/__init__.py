"""The subject `stages`."""
