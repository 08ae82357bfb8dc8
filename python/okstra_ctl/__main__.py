"""`python -m okstra_ctl`, and `python …/okstra_ctl` for the doors (which saves the import of runpy)."""

from __future__ import annotations

import os
import sys

if not __package__:
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    __package__ = "okstra_ctl"


def main() -> int:
    """Entry point of the installed `okstra` command."""
    from okstra_ctl.ui.cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
