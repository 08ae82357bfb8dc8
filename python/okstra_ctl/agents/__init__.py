"""Coding agents: one file a client, the supervisor above them, and what they used."""
