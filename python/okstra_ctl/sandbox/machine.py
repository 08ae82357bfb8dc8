"""What of this machine a worker needs, and what must be closed to it: toolchains, private folders, open sockets."""

from __future__ import annotations

import os
import pwd
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping

from ..system import assets
from .profile import Bind, Machine, is_within

# Below the home: programs, their settings, and the stores of what they installed. None of them holds a login.
_TOOLS_TEXT = """
.gitconfig .config/git/config .config/git/ignore .config/git/attributes
.bashrc .bash_profile .profile .zshrc .zshenv .zprofile .inputrc .editorconfig .tool-versions .tmux.conf
.local/bin .local/lib .local/share/claude .local/share/virtualenvs .local/pipx .local/share/pipx .local/share/uv
.local/share/pnpm .local/share/fnm .local/share/mise .local/state/nix .nix-profile bin
.cargo/bin .cargo/config.toml .cargo/env .cargo/registry .cargo/git .rustup go/bin go/pkg/mod
.nvm .fnm .volta .nodenv .npm-global .bun .deno .yarn .yarnrc .bunfig.toml
.pyenv .rbenv .rvm .sdkman .jenv .goenv .asdf .m2/repository .gradle/wrapper
.dotnet .nuget/packages .ghcup .opam .juliaup .swiftly .gem/ruby .pub-cache
.config/pip .config/uv .config/mise .config/pnpm
"""
_RUN = "/run"
_PRIVATE = ("/tmp", "/var/tmp", _RUN)
_OF_RUN_TEXT = """
/run/systemd/resolve /run/resolvconf /run/nscd /run/NetworkManager/resolv.conf /run/current-system /run/opengl-driver
"""
_TOOLS, _OF_RUN = _TOOLS_TEXT.split(), _OF_RUN_TEXT.split()


def machine(
    environment: Mapping[str, str],
    blank: str,
    shown: Iterable[str] = (),
    program: str = "",
    with_sockets: Iterable[str] = (),
) -> Machine:
    """`shown` are the person's own additions, `program` the client that is going to be started; `with_sockets` are
    folders that are looked through for sockets, for one may have been opened under a relative name."""
    homes = _homes(environment)
    home = homes[0]
    private = [*dict.fromkeys(os.path.realpath(path) for path in _PRIVATE if os.path.isdir(path)), *homes[1:]]
    hides = [*private, home]
    wanted = [
        *(os.path.join(one, name) for one in homes for name in _TOOLS),
        *_OF_RUN,
        *_programs(environment, home),
        *_package_of(program, environment, home),
        *_of_okstra(environment),
        *shown,
    ]
    binds = {bind.target: bind for path in wanted for bind in _brought_back(path, hides, home)}
    sockets = dict.fromkeys([*listening(), *(path for folder in with_sockets for path in _sockets_in(folder))])
    return Machine(home, tuple(private), tuple(binds.values()), tuple(sockets), blank)


def machine_to_inspect(home: str, blank: str) -> Machine:
    """For okstra's own look: everything is seen but the folder in which programs listen."""
    run = os.path.realpath(_RUN)
    private = (run,) if os.path.isdir(run) else ()
    shown = {bind.target: bind for path in _OF_RUN for bind in _brought_back(path, list(private), home)}
    return Machine(home, private, tuple(shown.values()), listening(), blank)


def _homes(environment: Mapping[str, str]) -> list[str]:
    """The home that the environment names, and the account's own, if it is another one."""
    own = os.path.realpath(pwd.getpwuid(os.getuid()).pw_dir)
    named = os.path.realpath(environment.get("HOME") or own)
    return [named, own] if own != named and os.path.isdir(own) and own != "/" else [named]


def listening() -> tuple[str, ...]:
    """Paths of the Unix sockets on which somebody listens. Those that are opened later are not covered."""
    found = set()
    try:
        with open("/proc/net/unix", encoding="utf-8", errors="surrogateescape") as file:
            for line in file:
                fields = line.rstrip("\n").split(None, 7)
                if len(fields) == 8 and fields[7].startswith("/"):
                    found.add(fields[7])
    except OSError:
        return ()
    return tuple(sorted({os.path.realpath(path) for path in found if os.path.exists(path)}))


def _sockets_in(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [one.path for one in entries if stat.S_ISSOCK(one.stat(follow_symlinks=False).st_mode)]
    except OSError:
        return []


def _brought_back(path: str, hides: list[str], home: str) -> Iterator[Bind]:
    """The binds that show a path in a place that is private; none where it is seen anyway, or not there."""
    real = os.path.realpath(path)
    if not os.path.exists(real) or is_within(home, [real]):
        return
    target = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    for place in dict.fromkeys((target, real)):
        if is_within(place, hides):
            yield Bind(real, place)


def _programs(environment: Mapping[str, str], home: str) -> list[str]:
    """The folders of the PATH, and links in the home that lead to them."""
    return [path for path in environment.get("PATH", "").split(os.pathsep) if os.path.isabs(path) and path != home]


def _package_of(program: str, environment: Mapping[str, str], home: str) -> Iterator[str]:
    """What belongs to a program that is a link into a package: its `node_modules`, or the folder that it stands in."""
    for folder in environment.get("PATH", "").split(os.pathsep):
        path = program if os.path.isabs(program) else os.path.join(folder, program)
        if program and os.access(path, os.X_OK) and os.path.isfile(path):
            real = os.path.realpath(path)
            before, modules, _ = real.rpartition("/node_modules/")
            yield f"{before}/node_modules" if modules else os.path.dirname(real)
            return


def _of_okstra(environment: Mapping[str, str]) -> Iterator[str]:
    """okstra itself and its Python: workers call `okstra check`."""
    yield assets.root()
    yield os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    own = list(dict.fromkeys((sys.prefix, sys.base_prefix, os.path.dirname(sys.executable))))
    yield from own
    for name in ("OKSTRA_PYTHON", "GIT_CONFIG_GLOBAL", "VIRTUAL_ENV"):
        path = environment.get(name, "")
        # Over a link in a folder that is shown already nothing can be mounted.
        if os.path.isabs(path) and not is_within(path, own):
            yield path
