"""`okstra integrate`: done stages become one task branch, whole or not at all (spec 3)."""
