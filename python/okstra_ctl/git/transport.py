"""git over a network: with the login and the settings of a clone, a time limit, and in a process group of its own, so
that what it started (ssh, a helper for http) ends with it. Its words are only shown."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from ..errors import Missing, Refused, UsageError
from ..quoting import quote
from ..system import processes
from .command import environment, git, must, settings_variables, text

ALIAS = "okstra-claims"  # the remote's name in settings that are given by variables, so that no address is an argument
_OF_TRANSPORT = ("credential.", "http.", "ssh.", "protocol.", "core.sshcommand", "core.askpass", "core.gitproxy")
_OF_REMOTE = ("proxy", "proxyauthmethod", "uploadpack", "receivepack")
# A server that says nothing ends a transfer before the time limit does, with words that say why; a person's own setting
# goes before these.
_PATIENCE = (("http.lowSpeedLimit", "1"), ("http.lowSpeedTime", "60"))
_QUIET = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules")
_WHOLE = ("--objects", "--quiet", "--exclude-promisor-objects")
# The commits may be tips of nothing there.
_SERVE = "git -c uploadpack.allowAnySHA1InWant=true upload-pack"

Settings = tuple[tuple[str, str], ...]


class Place(NamedTuple):
    """A remote as a clone knows it. `url` is where a push goes, and may hold a password: it is never shown."""

    name: str
    url: str
    objects: str
    """The clone's folder of objects."""
    object_format: str
    clone: str

    @property
    def shown(self) -> str:
        """The address without a login."""
        scheme, mark, rest = self.url.partition("://")
        host, slash, path = rest.partition("/")
        return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}" if mark else self.url

    def without_login(self, words: str) -> str:
        """What git wrote, without the login that the address holds."""
        return words.replace(self.url, self.shown)


def place_of(clone: str, name: str) -> Place:
    """Where the clone's remote of that name is. A relative path counts from the clone's top.

    Raises UsageError (`bad-config`), Refused (`remote-refused`) for a shallow clone.
    """
    asked = ("--show-object-format", "--is-shallow-repository", "--show-toplevel", "--git-common-dir")
    answer = text(must(git(clone, "rev-parse", "--path-format=absolute", *asked, read_only=True), "read the clone"))
    object_format, shallow, top, common_dir = answer.splitlines()[:4]
    if shallow == "true":
        raise Refused(
            "remote-refused",
            "a shallow clone can't publish what it did: git lacks the commits that the remote asks for",
            where=clone,
            hint=f"git -C {quote(clone)} fetch --unshallow",
        )
    listed = git(clone, "remote", "get-url", "--push", "--all", name, read_only=True)
    urls = text(listed.stdout).splitlines() if listed.ok else []
    if len(urls) != 1:
        what = "pushes to several places" if urls else "is not known to git"
        hint = f"git -C {quote(clone)} remote -v shows the remotes; okstra remote use NAME takes one"
        raise UsageError("bad-config", f"the remote {name!r} {what}", where=clone, hint=hint)
    return Place(name, _absolute(urls[0], top), os.path.join(common_dir, "objects"), object_format, clone)


def _absolute(url: str, top: str) -> str:
    is_relative = not os.path.isabs(url) and ":" not in url.partition("/")[0]
    return os.path.normpath(os.path.join(top, url)) if is_relative else url


def settings_of(place: Place, side: str) -> Settings:
    """The settings by which git in `side` reaches the place as git in the clone does.

    Those that git finds in both by itself are left out: twice the same header is refused by some hosts.
    """
    there, here = _listed(place.clone), Counter(_listed(side))
    own: list[tuple[str, str]] = []
    for key, value in there:
        if here[key, value]:
            here[key, value] -= 1
        elif key.lower().startswith(_OF_TRANSPORT):
            own.append((key, value))
    prefix = f"remote.{place.name}."
    own += [
        (f"remote.{ALIAS}.{key.removeprefix(prefix)}", value)
        for key, value in there
        if key.startswith(prefix) and key.removeprefix(prefix) in _OF_REMOTE
    ]
    given = {key.lower() for key, _ in there}
    patience = [(key, value) for key, value in _PATIENCE if key.lower() not in given]
    return (*patience, *own, (f"remote.{ALIAS}.url", place.url), (f"remote.{ALIAS}.pushurl", place.url))


def _listed(root: str) -> list[tuple[str, str]]:
    out = text(must(git(root, "config", "--list", "--null", read_only=True), "read its settings"))
    pairs = [entry.partition("\n") for entry in out.split("\0") if entry]
    return [(key, value) for key, _, value in pairs]


def over_network(root: str, *args: str, settings: Settings, seconds: float) -> processes.Finished:
    """Runs git in a repository; past the time limit its process group is killed (status -9). Raises Missing."""
    inherited = environment()
    given = {**inherited, **settings_variables(inherited, settings)}
    try:
        return processes.start(["git", "-C", root, *args], env=given, own_group=True).finish(timeout=seconds)
    except Missing as error:
        raise Missing("git-missing", "git is not on the PATH", hint="install git 2.38 or newer") from error


def bring_commits(into: str, source: str, commits: Iterable[str]) -> None:
    """Copies those commits, and what they stem from, unless `into` has them whole: a killed fetch may leave a commit
    without its files. git keeps what no ref names for two weeks at least: whoever needs them for longer makes a branch.
    Raises WorkFailed (`git-failed`)."""
    wanted = [commit for commit in dict.fromkeys(commits) if commit]
    if wanted and not git(into, "rev-list", *_WHOLE, *wanted, "--not", "--all", read_only=True).ok:
        words = ("-c", "protocol.version=2", "fetch", *_QUIET, "--upload-pack", _SERVE, source, *wanted)
        must(git(into, *words), "bring commits of another machine")
