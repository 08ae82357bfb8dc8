"""The doors to the system: files, locks, processes, clock, secrets, assets."""
