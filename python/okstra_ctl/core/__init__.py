"""Decisions: values in, values out. No clock, process, file or lock (spec 2)."""
