"""The subject `worktrees`."""
