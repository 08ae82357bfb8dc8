"""A task's own record, its page, its requests."""
