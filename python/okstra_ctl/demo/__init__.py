"""The demonstration: a task in a throw-away repository, from a bug to an accepted verification."""
