"""The one place for each outside thing: files, locks, processes, clock, secrets, assets."""
