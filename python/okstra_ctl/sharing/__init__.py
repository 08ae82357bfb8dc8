"""What this machine shares of a task with others: its claims, its plan, its runs' records (`remote/` is the way there).

A project that shares nothing never imports `remote/`: `elsewhere.py` is all that it loads of this.
"""
