"""Messages to people about runs, by Apprise: which moments of a run are reported, and sending them."""
