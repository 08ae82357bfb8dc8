"""Worktrees: making, filling, saving, removing, restoring."""
