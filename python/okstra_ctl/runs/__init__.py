"""A run's own record: manifest, events, prompts' values, commands."""
