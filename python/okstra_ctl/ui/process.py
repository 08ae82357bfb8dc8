"""okstra as a process: how it starts light, and how it leaves."""

from __future__ import annotations

import gc
import os
import sys

from ..words.hints import TYPE_CHECKING, NoReturn, Sequence

if TYPE_CHECKING:
    import signal
    from importlib.machinery import ModuleSpec
    from types import ModuleType
else:
    import _signal as signal  # `signal` itself makes enumerations of the numbers


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
    """Entry point of the installed `okstra` command; returns its exit status."""
    _require_utf8()
    _open_standard_streams()
    gc.set_threshold(20_000, 20, 20)  # importing makes much and leaves no rubbish: collecting it costs a run 3 ms
    if sys.flags.no_site and PackagesOnDemand not in sys.meta_path:
        sys.meta_path.append(PackagesOnDemand)
    from .cli import main as run

    signal.signal(signal.SIGINT, signal.default_int_handler)
    return run()


def _require_utf8() -> None:
    """Starts anew in UTF-8 mode where the locale has another encoding: paths, ids and prompts are UTF-8.

    The doors of a checkout start Python so; pip's `okstra` can't.
    """
    if sys.getfilesystemencoding() != "utf-8":
        from ..edges.proc import become

        become([sys.executable, "-I", "-X", "utf8", "-m", "okstra_ctl", *sys.argv[1:]], os.environ, ".")


def _open_standard_streams() -> None:
    """Points each closed standard stream at the null device.

    The next file that okstra or a program of its opens would get its number, and be written into as output.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            while (opened := os.open(os.devnull, os.O_RDWR)) < number:
                pass
            os.set_inheritable(opened, True)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8", closefd=False))


def leave(status: int) -> NoReturn:
    """Ends the process without tearing the interpreter down: that saves a light command a sixth of its time.

    Nothing is lost: okstra flushes its output here, closes its files where it opens them, and registers no
    exit handler.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # its last words were refused: `cli` has reported what it could
            status = status or 1
    os._exit(status)
