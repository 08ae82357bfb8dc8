"""The plan: read from markdown, checked by rules S1 to S12, approved."""
