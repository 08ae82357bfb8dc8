"""`okstra gc`: which worktrees and leftovers may be removed, and removing them."""
