"""Finding and repairing what crashes left behind, or what was lost."""
