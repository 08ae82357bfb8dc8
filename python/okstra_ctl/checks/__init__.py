"""Whether a result, a run or a project is in order."""
