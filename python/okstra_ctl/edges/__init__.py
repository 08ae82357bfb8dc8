"""One door for each outside thing: processes, git, locks, files, the home, time (spec 2)."""
