"""What runs left, by its digests, in a chain of rows outside of every project (docs/design/seals.md)."""
