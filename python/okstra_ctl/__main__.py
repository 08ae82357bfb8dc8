"""`python -m okstra_ctl`, and this very file for the doors, which saves the import of runpy.

Python compiles it anew at every start: what can be kept compiled is in `process.py`.
"""

import sys

if __name__ == "__main__":
    # The doors start Python with SIGINT ignored, as Python itself can't be interrupted cleanly while it starts. From
    # here on Ctrl-C ends okstra without a traceback: nothing is begun while modules load. Both modules are built in.
    import _signal  # type: ignore[import-not-found]
    import posix

    _signal.signal(_signal.SIGINT, lambda *_: posix._exit(130))

if not __package__:
    sys.path.insert(0, __file__.rpartition("/")[0].rpartition("/")[0])
    __package__ = "okstra_ctl"

from okstra_ctl.process import leave, main

if __name__ == "__main__":
    leave(main())
