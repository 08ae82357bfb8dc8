"""The board: what is in work, as values, and how a page shows it."""
