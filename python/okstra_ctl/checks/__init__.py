"""What a run's record on disk must be: whole, valid, and in one voice (spec 7, "fail closed")."""
