"""The input state machine: which question comes next, what an answer means, the command line in the end (spec 6)."""
