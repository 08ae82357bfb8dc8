"""Worktrees: creating, populating, saving, removing, restoring."""
