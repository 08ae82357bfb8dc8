"""Whether a task may be handed off, and with what."""
