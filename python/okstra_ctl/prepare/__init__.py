"""Making a run: request, worktree, prompts, manifest."""
