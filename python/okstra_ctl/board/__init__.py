"""What is at work now: live at a terminal, or as a page."""
