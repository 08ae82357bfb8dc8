"""Findings of several analysts: grouped, sent round, and classed by what the others answered (spec 5)."""
