"""Claims between machines: what they share of a task, on a git remote (docs/design/claims-between-machines.md)."""
