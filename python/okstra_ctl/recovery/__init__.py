"""Finding and repairing what was left behind or lost."""
