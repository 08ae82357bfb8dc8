"""Who holds a stage or a worktree (the registry), and what became of each stage (the ledger)."""
