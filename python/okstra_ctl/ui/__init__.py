"""The command line: a table of commands, one error boundary, results rendered once (spec 2)."""
