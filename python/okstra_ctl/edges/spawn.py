"""Starting a program with given descriptors, by `posix_spawn`: a tenth of what importing `subprocess` costs."""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import signal
else:
    import _signal as signal  # `signal` itself makes enumerations of the numbers

FIRST_FREE = 3  # behind standard input, output and error
# Python ignores the first two; whoever started okstra may ignore the others: a shell does so for what goes on behind
# it. Programs expect to end at Ctrl-C, and to hear how their own children end. SIGHUP stays as it is, for `nohup`.
_AT_THEIR_DEFAULTS = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGCHLD)


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
    keep_open: Sequence[int] = (),
    new_session: bool = False,
) -> int:
    """Starts the program, found on the PATH of `env`; answers its process id.

    A standard stream that is not given is the null device. Of other descriptors it gets those of `keep_open` alone,
    under other numbers. Raises OSError when it can't be started, ValueError for words that no program can be given.
    """
    streams = {0: stdin, 1: stdout, 2: stderr}
    _keep_to_ourselves()
    taken = {*keep_open, *streams.values()}
    free = (number for number in itertools.count(FIRST_FREE) if number not in taken)  # low: `ulimit -n` may be
    kept = [(os.POSIX_SPAWN_DUP2, one, number) for one, number in zip(keep_open, free, strict=False)]
    opened = [
        (os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDONLY if number == 0 else os.O_WRONLY, 0)
        if descriptor is None
        else (os.POSIX_SPAWN_DUP2, descriptor, number)
        for number, descriptor in streams.items()
    ]
    return os.posix_spawn(
        _found(argv[0], env),
        tuple(argv),
        env,
        file_actions=[*kept, *opened],
        setsigdef=_AT_THEIR_DEFAULTS,
        setsigmask=(),
        setsid=new_session,
    )


def _keep_to_ourselves() -> None:
    """Keeps what okstra itself was started with, beyond the standard streams, from programs that it starts.

    A process that goes on behind okstra would keep whoever reads the other end waiting. A close at the start of
    the program would not do: the number may be above a limit (`ulimit -n`) that was lowered after it was opened.
    """
    try:
        numbers = [number for number in map(int, os.listdir("/dev/fd")) if number >= FIRST_FREE]
    except OSError:
        return
    for number in numbers:
        with suppress(OSError):  # the one that the list was read by
            os.set_inheritable(number, False)


def _found(program: str, env: Mapping[str, str]) -> str:
    """The program's file. Raises FileNotFoundError for a name that is not on the PATH."""
    if os.sep in program:
        return program
    for folder in env.get("PATH", os.defpath).split(os.pathsep):
        place = os.path.join(folder, program)
        if os.access(place, os.X_OK) and not os.path.isdir(place):
            return place
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), program)
