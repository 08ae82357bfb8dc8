"""Which run has claimed a stage or a worktree (the registry), and the history of each stage (the ledger)."""
