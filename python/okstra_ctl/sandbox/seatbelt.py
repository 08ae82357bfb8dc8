"""A profile as the text of macOS's `sandbox-exec`. Later rules win. Nothing can be mounted there."""

from __future__ import annotations

from collections.abc import Sequence

from .profile import Profile

PROGRAM = "/usr/bin/sandbox-exec"
# Services that act for a caller outside of the sandbox: the keychain, starting programs, other programs' windows.
_SERVICES = (
    *("com.apple.SecurityServer", "com.apple.securityd.xpc"),
    *("com.apple.coreservices.launchservicesd", "com.apple.coreservices.appleevents"),
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/tty", "/dev/dtracehelper")


def arguments(profile: Profile, temporary: str, argv: Sequence[str]) -> tuple[str, ...]:
    """The whole command line. `temporary` is a folder of this worker's own, instead of the machine's."""
    return (PROGRAM, "-p", text(profile, temporary), *argv)


def text(profile: Profile, temporary: str) -> str:
    """Layers in their order, each as what may be read and written there."""
    rules = ["(version 1)", "(allow default)", "(deny file-write*)"]
    rules += [f"(allow file-write* (literal {_quoted(path)}))" for path in _DEVICES]
    rules.append('(allow file-write* (regex #"^/dev/fd/") (regex #"^/dev/ttys[0-9]+$"))')
    for layer in profile.layers:
        place = f"(subpath {_quoted(layer.target)})"
        rules.append(f"({'allow' if layer.source else 'deny'} file-read* {place})")
        rules.append(f"({'allow' if layer.source and layer.writable else 'deny'} file-write* {place})")
    own = f"(subpath {_quoted(temporary)})"
    rules += [f"(allow file-read* file-write* {own})", "(allow file-read-metadata)"]
    rules += [f'(deny mach-lookup (global-name "{name}"))' for name in _SERVICES]
    rules += ["(deny appleevent-send)", "(deny signal)", "(allow signal (target same-sandbox))"]
    if profile.network:
        rules.append("(deny network-outbound (remote unix-socket))")
        rules.append('(allow network-outbound (literal "/private/var/run/mDNSResponder"))')
    else:
        rules.append("(deny network*)")
    return "\n".join(rules) + "\n"


def _quoted(path: str) -> str:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
