"""okstra as a process: how it starts light, and how it leaves."""

from __future__ import annotations

import gc
import os
import sys

from ..words.hints import TYPE_CHECKING, NoReturn, Sequence

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType


class PackagesOnDemand:
    """Brings `site` in when an import first needs it, where the doors started Python without.

    It reads the start-up lines of all installed packages, a quarter of Python's start; most commands use no package.
    """

    @classmethod
    def find_spec(cls, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The last finder, asked for what no other found: brings `site` in, once, and asks the others again."""
        if path is not None or name in sys.stdlib_module_names:
            return None
        sys.meta_path.remove(cls)
        import site
        from importlib.machinery import PathFinder

        site.main()
        return PathFinder.find_spec(name, path, target)


def main() -> int:
    """Entry point of the installed `okstra` command; answers its exit status (spec 6)."""
    gc.set_threshold(20_000, 20, 20)  # importing makes much and leaves no rubbish: collecting it costs a run 3 ms
    if sys.flags.no_site and PackagesOnDemand not in sys.meta_path:
        sys.meta_path.append(PackagesOnDemand)
    from .cli import main as run

    return run()


def leave(status: int) -> NoReturn:
    """Ends the process without tearing the interpreter down: that saves a light command a sixth of its time.

    Nothing is lost: okstra flushes its output here, closes its files where it opens them, and registers no
    exit handler.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            status = status or 1
    os._exit(status)
