"""okstra: one software task as a chain of phases, done by coding agents that check one another."""

__version__ = "0.2.0"
