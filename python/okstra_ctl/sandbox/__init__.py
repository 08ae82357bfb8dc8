"""Containing what agents run: what each role may see and write, and how the system's own means enforce it."""
