"""The clients behind the workers: one adapter each, and the runner that holds them to their limits (spec 5)."""
