"""From a command to a prepared run: request, reservation, worktree, run folder, commit point (spec 3)."""
