"""The subject `history`."""
