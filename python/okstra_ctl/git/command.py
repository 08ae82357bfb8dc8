"""Calling git: argv lists, bytes, an environment of its own (`environment`); its messages are only shown, never
parsed.

The environment is the person's own, so that what works by hand works in a run: identity, `safe.directory`, ssh keys,
tokens and the choice of configuration files are often given by variables, in CI and in containers nearly always. What
points git at another repository is left out: okstra may be called from a git hook or alias. okstra's own git also
leaves out what changes its output, and what makes history look different from what is stored.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from ..errors import Missing, WorkFailed
from ..system import fsync, processes
from ..system.inspection import Contained
from . import inspection

_COUNT, _PARAMETERS = "GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS"
# As `git rev-parse --local-env-vars` lists them, but for the two above: those hold settings, which people give too.
ELSEWHERE = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_CONFIG",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)
_OTHER_OUTPUT = frozenset(
    {
        "GIT_CURL_VERBOSE",
        "GIT_DIFF_OPTS",
        "GIT_EXTERNAL_DIFF",
        "GIT_GLOB_PATHSPECS",
        "GIT_ICASE_PATHSPECS",
        "GIT_LITERAL_PATHSPECS",
        "GIT_NOGLOB_PATHSPECS",
        "GIT_PAGER",
        "GIT_PAGER_IN_USE",
        "GIT_PRINT_SHA1_ELLIPSIS",
        "GIT_REFLOG_ACTION",
    }
)
_TRACES = "GIT_TRACE"
# A file system monitor is a program that the repository names; a wrong one hides changes, one that keeps running keeps
# our locks. Hooks may lie in the tree, where a worker writes them. With `ignoreStat` git marks files as unchanged, with
# the next two an edit is hidden by putting its time back; signatures are shown among reflogs.
_SETTINGS = (
    ("core.fsmonitor", "false"),
    ("core.hooksPath", os.devnull),
    ("core.ignoreStat", "false"),
    ("core.trustctime", "true"),
    ("core.checkStat", "default"),
    ("log.showSignature", "false"),
)
_OF_A_HOOK = ELSEWHERE - {"GIT_NO_REPLACE_OBJECTS", "GIT_GRAFT_FILE", "GIT_REPLACE_REF_BASE"}
_SYNC_REFS = ("-c", "core.fsync=committed,reference", "-c", "core.fsyncMethod=fsync")
# Who commits what okstra commits for itself. As variables: a person's variables would override settings.
AS_OKSTRA = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "okstra"), ("EMAIL", "okstra@localhost"))
}


def users_environment(inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
    """For the person's own programs: without what points git at another repository."""
    return {name: value for name, value in inherited.items() if name not in ELSEWHERE}


def environment(inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
    """For okstra's git: no prompts, messages in English, commits as stored, no program of the repository's own."""
    kept = {name: value for name, value in users_environment(inherited).items() if not _changes_output(name)}
    return {
        **kept,
        **settings_variables(kept, _SETTINGS),
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_GRAFT_FILE": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }


def hooks_environment() -> dict[str, str]:
    """As `environment`, within a git hook: its variables point at the very commit that is being made."""
    return {**environment(), **{name: os.environ[name] for name in _OF_A_HOOK if name in os.environ}}


def settings_variables(inherited: Mapping[str, str], settings: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Variables that add these settings to those that git already gets by variables; the last one wins."""
    given = inherited.get(_COUNT, "")
    first = int(given) if given.isdecimal() else 0
    variables = {_COUNT: str(first + len(settings))}
    for number, (key, value) in enumerate(settings, first):
        variables[f"GIT_CONFIG_KEY_{number}"] = key
        variables[f"GIT_CONFIG_VALUE_{number}"] = value
    if inherited.get(_PARAMETERS):  # `git -c` around okstra, which git reads after the numbered ones
        added = " ".join(f"{_quoted(key)}={_quoted(value)}" for key, value in settings)
        variables[_PARAMETERS] = f"{inherited[_PARAMETERS]} {added}"
    return variables


def _changes_output(name: str) -> bool:
    return name in _OTHER_OUTPUT or name.startswith(_TRACES)


def _quoted(text: str) -> str:
    """As git quotes there, which is not quite as the shell would."""
    return "'" + text.replace("'", "'\\''") + "'"


def sync_refs() -> tuple[str, ...]:
    """Settings by which git syncs the refs that it writes; off while fsync is deferred."""
    return ("-c", "core.fsync=none") if fsync.is_deferring() else _SYNC_REFS


def git(
    root: str, *args: str, keep_open: Sequence[int] = (), read_only: bool = False, extra: dict[str, str] | None = None
) -> processes.Finished:
    return begin(root, *args, keep_open=keep_open, read_only=read_only, extra=extra).finish()


def begin(
    root: str,
    *args: str,
    keep_open: Sequence[int] = (),
    read_only: bool = False,
    extra: dict[str, str] | None = None,
    stdin: bytes | None = None,
) -> processes.Running:
    wanted = Contained(["git", "-C", root, *args], {**environment(), **(extra or {})})
    if read_only:
        wanted = wanted._replace(environment={**wanted.environment, "GIT_OPTIONAL_LOCKS": "0"})
        wanted = inspection.contained(root, args, wanted, extra or {})
    try:
        return processes.start(wanted.argv, env=wanted.environment, keep_open=keep_open, stdin=stdin)
    except Missing as error:
        raise Missing("git-missing", "git is not on the PATH", hint="install git 2.38 or newer") from error


def must(finished: processes.Finished, doing: str) -> bytes:
    if not finished.ok:
        raise WorkFailed(
            "git-failed", f"git could not {doing}: {finished.complaint}", where=" ".join(finished.argv[:6])
        )
    return finished.stdout


def text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
