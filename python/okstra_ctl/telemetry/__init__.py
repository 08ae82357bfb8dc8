"""Traces of runs by OpenTelemetry (docs/how-to/telemetry.md). Off, and nothing of it imported, unless asked for."""
