"""What okstra does: load through the edges, decide in the core, apply with an undo stack (spec 2)."""
