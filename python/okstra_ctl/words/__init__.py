"""The vocabulary: errors and small values that every other layer speaks (spec 2)."""
