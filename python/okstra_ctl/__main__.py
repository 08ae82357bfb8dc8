"""`python -m okstra_ctl`, and this very file for the doors, which saves the import of runpy.

Python compiles it anew at every start: what can be kept compiled is in `ui/process.py`.
"""

import sys

if not __package__:
    sys.path.insert(0, __file__.rpartition("/")[0].rpartition("/")[0])
    __package__ = "okstra_ctl"

from okstra_ctl.ui.process import leave, main

if __name__ == "__main__":
    leave(main())
