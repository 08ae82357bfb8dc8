"""What each role may see and write, as a profile and as the words of bubblewrap and seatbelt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.sandbox import bubblewrap, seatbelt
from okstra_ctl.sandbox.bubblewrap import Means
from okstra_ctl.sandbox.choice import Kind, Probed, words
from okstra_ctl.sandbox.environment import inside
from okstra_ctl.sandbox.profile import Bind, Layer, Machine, Places, Profile, Role, in_order, profile, role_of
from okstra_ctl.status import Access

MACHINE = Machine(
    home="/home/ada",
    private=("/tmp", "/run"),
    shown=(Bind("/home/ada/.cargo/bin", "/home/ada/.cargo/bin"),),
    sockets=("/home/ada/agent.sock", "/var/lib/engine.sock", "/home/ada/app/.git/daemon.ipc"),
    blank="/home/ada/.okstra/sandbox/blank",
)
PLACES = Places(
    folder="/home/ada/.okstra/worktrees/one",
    checkout="/home/ada/app",
    common_dir="/home/ada/app/.git",
    git_file="/home/ada/.okstra/worktrees/one/.git",
    records="/home/ada/app/.okstra",
    okstra_home="/home/ada/.okstra",
    hidden=("/home/ada/.okstra/sandbox", "/home/ada/app/.okstra/drops"),
    results=("/home/ada/app/.okstra/drops/own",),
    caches=("/home/ada/.npm",),
    sockets=("/var/lib/engine.sock",),
)
ROOT, USER = Means("/usr/bin/bwrap", True, False), Means("/usr/bin/bwrap", False, True)


def seen(shaped: Profile, path: str) -> str:
    """How a path stands inside: `rw`, `ro`, `blank`, or `gone`, by the layer that lies over it."""
    over = [one for one in shaped.layers if path == one.target or path.startswith(one.target.rstrip("/") + "/")]
    if not over:
        return "ro"
    top = over[-1]
    if not top.source:
        return "gone"
    return "blank" if top.source == MACHINE.blank else "rw" if top.writable else "ro"


_TABLE = {
    "/usr/bin/env": dict.fromkeys(Role, "ro"),
    "/tmp/x": dict.fromkeys(Role, "gone"),
    "/home/ada/.ssh/id": dict.fromkeys(Role, "gone"),
    "/home/ada/.cargo/bin/cargo": dict.fromkeys(Role, "ro"),
    "/home/ada/app/src/a.py": dict.fromkeys(Role, "gone"),
    "/home/ada/app/.okstra/project.json": dict.fromkeys(Role, "ro"),
    "/home/ada/app/.okstra/drops/other/result.md": dict.fromkeys(Role, "gone"),
    "/home/ada/app/.okstra/drops/own/result.md": dict.fromkeys(Role, "rw"),
    "/home/ada/.okstra/config.json": dict.fromkeys(Role, "ro"),
    "/home/ada/.okstra/sandbox/1/.claude/.credentials.json": dict.fromkeys(Role, "gone"),
    "/home/ada/.okstra/worktrees/one/a.py": {
        role: "ro" if role in (Role.READER, Role.INSPECT) else "rw" for role in Role
    },
    "/home/ada/.okstra/worktrees/one/.git": dict.fromkeys(Role, "ro"),
    "/home/ada/app/.git/config": {role: "rw" if role is Role.EXECUTOR else "ro" for role in Role},
    "/home/ada/.npm/x": {role: "rw" if role in (Role.SETUP, Role.TEARDOWN) else "ro" for role in Role},
    "/home/ada/agent.sock": dict.fromkeys(Role, "gone"),
    "/home/ada/app/.git/daemon.ipc": dict.fromkeys(Role, "blank"),
    "/var/lib/engine.sock": {role: "ro" if role in (Role.SETUP, Role.TEARDOWN) else "blank" for role in Role},
}


@pytest.mark.parametrize("role", Role)
def test_every_role_sees_and_writes_what_it_needs_and_no_more(role: Role) -> None:
    shaped = profile(role, MACHINE, PLACES)
    assert {path: seen(shaped, path) for path in _TABLE} == {path: row[role] for path, row in _TABLE.items()}


def test_what_is_laid_over_the_git_folder_replaces_it() -> None:
    own = (
        Bind("/home/ada/.okstra/q/git", "/home/ada/app/.git", writable=True),
        Bind("/home/ada/app/.git/objects", "/home/ada/app/.git/okstra-base/objects"),
    )
    shaped = profile(Role.EXECUTOR, MACHINE, PLACES, own)
    sources = {one.target: (one.source, one.writable) for one in shaped.layers}
    assert sources["/home/ada/app/.git"] == ("/home/ada/.okstra/q/git", True)
    assert sources["/home/ada/app/.git/okstra-base/objects"] == ("/home/ada/app/.git/objects", False)


def test_the_network_is_for_workers_and_for_checks_unless_it_is_switched_off() -> None:
    def network(role: Role, *, check: bool) -> bool:
        return profile(role, MACHINE, PLACES, check_network=check).network

    assert {role for role in Role if not network(role, check=True)} == {Role.EVIDENCE, Role.INSPECT}
    assert {role for role in Role if not network(role, check=False)} == {Role.EVIDENCE, Role.INSPECT, Role.CHECK}


def test_access_decides_the_role_of_a_worker() -> None:
    assert [role_of(access) for access in Access] == [Role.READER, Role.TESTER, Role.EXECUTOR]


_PATHS = st.lists(st.sampled_from("ab"), min_size=1, max_size=5).map(lambda parts: "/" + "/".join(parts))


@given(st.lists(st.builds(Layer, _PATHS, st.sampled_from(["", "/s"]), st.booleans()), max_size=12))
def test_folders_are_mounted_before_what_is_in_them_and_the_last_word_counts(layers: list[Layer]) -> None:
    ordered = in_order(layers)
    for number, one in enumerate(ordered):
        assert not any(one.target.startswith(later.target + "/") for later in ordered[number + 1 :])
    assert {one.target: one for one in ordered} == {one.target: one for one in layers}


def test_what_is_seen_anyway_is_not_mounted_again() -> None:
    twice = MACHINE._replace(shown=(*MACHINE.shown, Bind("/home/ada/.cargo/bin/x", "/home/ada/.cargo/bin/x")))
    assert profile(Role.CHECK, twice, PLACES) == profile(Role.CHECK, MACHINE, PLACES)
    targets = [one.target for one in profile(Role.READER, MACHINE, PLACES).layers]
    assert "/home/ada/.okstra" in targets
    assert PLACES.folder not in targets


# bubblewrap


def test_an_ordinary_user_gets_namespaces_and_root_loses_its_capabilities() -> None:
    shaped = profile(Role.EVIDENCE, MACHINE, PLACES)
    user, root = (bubblewrap.arguments(shaped, means, ("true",)) for means in (USER, ROOT))
    common = {"--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net", "--die-with-parent", "--new-session"}
    assert common <= set(user)
    assert common <= set(root)
    assert {"--unshare-user", "--disable-userns"} <= set(user)
    assert "--cap-drop" not in user
    assert root[root.index("--cap-drop") + 1] == "ALL"
    assert "--unshare-user" not in root


def test_the_root_is_mounted_first_and_what_is_hidden_is_closed_last() -> None:
    argv = bubblewrap.arguments(profile(Role.READER, MACHINE, PLACES), USER, ("echo", "--bind"))
    assert argv[argv.index("--ro-bind") :][:3] == ("--ro-bind", "/", "/")
    assert argv[-5:] == ("--chdir", PLACES.folder, "--", "echo", "--bind")
    closed = [argv[at + 1] for at, word in enumerate(argv) if word == "--remount-ro"]
    assert closed == [one.target for one in profile(Role.READER, MACHINE, PLACES).layers if one.hides]
    last_mount = max(at for at, word in enumerate(argv[:-5]) if word in ("--bind", "--ro-bind", "--tmpfs"))
    assert argv.index("--remount-ro") > last_mount


def test_no_variable_stands_in_the_arguments() -> None:
    argv = bubblewrap.arguments(profile(Role.READER, MACHINE, PLACES), USER, ("true",))
    assert "--setenv" not in argv
    assert "--clearenv" not in argv


def test_there_are_fewer_than_forty_mounts() -> None:
    for role in Role:
        assert len(profile(role, MACHINE, PLACES).layers) < 40


# seatbelt


def test_seatbelt_denies_writing_first_and_quotes_every_path() -> None:
    odd = PLACES._replace(folder='/Users/a "b"\\c', git_file="")
    text = seatbelt.text(profile(Role.EXECUTOR, MACHINE, odd), "/private/tmp/own")
    lines = text.splitlines()
    assert lines[:3] == ["(version 1)", "(allow default)", "(deny file-write*)"]
    assert '(allow file-write* (subpath "/Users/a \\"b\\"\\\\c"))' in lines
    assert '(deny file-read* (subpath "/home/ada"))' in lines
    assert "(deny network*)" not in lines
    assert text.count("(") == text.count(")") + text.count('\\"(')


def test_seatbelt_lets_a_home_be_read_only_where_something_is_shown() -> None:
    lines = seatbelt.text(profile(Role.READER, MACHINE, PLACES), "/private/tmp/own").splitlines()
    assert lines.index('(deny file-read* (subpath "/home/ada"))') < lines.index(
        '(allow file-read* (subpath "/home/ada/.cargo/bin"))'
    )
    assert "(deny network*)" in seatbelt.text(profile(Role.EVIDENCE, MACHINE, PLACES), "/t")


# the environment


def test_variables_that_nobody_named_stay_outside() -> None:
    given_ = {
        "PATH": "/bin",
        "HOME": "/home/ada",
        "LC_ALL": "C",
        "OKSTRA_RESULT": "/r",
        "GIT_AUTHOR_NAME": "A",
        "GIT_ASKPASS": "/secret",
        "SSH_AUTH_SOCK": "/s",
        "DATABASE_URL": "x",
        "ANTHROPIC_API_KEY": "k",
        "OPENAI_API_KEY": "k",
        "AWS_SECRET_ACCESS_KEY": "k",
        "NODE_AUTH_TOKEN": "k",
        "TMPDIR": "/var/folders/x",
        "TRACEPARENT": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "OTEL_EXPORTER_OTLP_HEADERS": "Authorization=k",
    }
    common = {"PATH", "HOME", "LC_ALL", "OKSTRA_RESULT", "GIT_AUTHOR_NAME", "TMPDIR", "TRACEPARENT"}
    assert set(inside(given_, "")) == common
    assert set(inside(given_, "claude")) == common | {"ANTHROPIC_API_KEY"}
    assert set(inside({**given_, "CLAUDE_CODE_USE_BEDROCK": "1"}, "claude")) == common | {
        "ANTHROPIC_API_KEY",
        "AWS_SECRET_ACCESS_KEY",
        "CLAUDE_CODE_USE_BEDROCK",
    }
    assert set(inside(given_, "codex", ["DATABASE_URL"])) == common | {"OPENAI_API_KEY", "DATABASE_URL"}
    assert inside(given_, "")["TMPDIR"] == "/tmp"


# what is said


def test_what_is_said_names_the_cause_and_nothing_where_all_is_contained() -> None:
    assert words(Probed(Kind.BWRAP)) == ""
    assert words(Probed(Kind.OFF, "bubblewrap is not installed")) == (
        "workers: watched, not contained (bubblewrap is not installed)"
    )
    assert words(Probed(Kind.LANDLOCK)) == "workers: files contained, processes watched"
