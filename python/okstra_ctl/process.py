"""okstra as a process: how it starts, and how it leaves."""

from __future__ import annotations

import os
import sys  # nothing else at the top: PYTHONPATH may have modules of any name until `_start_anew_if_misled`


def main() -> int:
    """Entry point of the installed `okstra` command; returns its exit status."""
    _start_anew_if_misled()
    _open_standard_streams()
    from .cli import main as run
    from .errors import EXIT_INTERRUPTED

    try:
        _hear_signals()
        return run()
    except KeyboardInterrupt:  # before the command began, or after it had ended: what comes between, `run` reports
        return EXIT_INTERRUPTED


def _hear_signals() -> None:
    """Ctrl-C and the ends of children are heard, whatever the caller ignored or blocked.

    A shell ignores SIGINT for what it starts in the background; with SIGCHLD ignored nobody can know how a child
    ended. SIGHUP stays as it is: whoever calls `nohup okstra` means it.
    """
    import signal

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM))


def _start_anew_if_misled() -> None:
    """Starts anew, isolated and in UTF-8 mode, where variables were set for other Pythons (PYTHONPATH, PYTHONWARNINGS)
    or the locale has another encoding: paths, ids and prompts are UTF-8.

    The doors of a checkout start Python so; pip's `okstra` can't. By this package's file, not its name: the folder
    that the caller is in may have modules of any name.
    """
    given = not sys.flags.ignore_environment and any(name.startswith("PYTHON") for name in os.environ)
    if given or sys.getfilesystemencoding() != "utf-8":
        from .system.processes import become

        package = os.path.dirname(os.path.abspath(__file__))
        start = (sys.executable, "-I", "-X", "utf8", os.path.join(package, "__main__.py"))
        become([*start, *sys.argv[1:]], os.environ, ".")


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


def leave(status: int) -> None:
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
