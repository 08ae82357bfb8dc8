"""The subject `doctor`."""
