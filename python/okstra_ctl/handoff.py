"""Planning a hand-off: whether the task may be handed off, and the commands that would do it.

Everything that can be refused is refused here, before a task, worktree or run is created; nothing is written.

The pull request's text, and the host and path in a remote's URL, are made here too.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from . import git, github
from .errors import Missing, OkstraError, Refused, UsageError
from .git import tree_hooks
from .git.merge import merge_tree
from .names import HANDOFF, TaskKey
from .paths import ProjectFiles, TaskFiles
from .quoting import okstra_command
from .runs.find import next_seq
from .runs.manifest import PULL_REQUEST, PUSH, Choice, Target, commands
from .services import Services
from .system import files
from .tasks.records import read_manifest

_SSH = re.compile(r"(?:ssh://)?(?:[^@/]+@)?([^:/]+)(?::[0-9]+/|[:/])(.+)")
_HTTP = re.compile(r"https?://(?:[^@/]+@)?([^/]+)/(.+)")
_KEPT = ("proof", "findings", "gates", "receipt")
_FIT = ("accepted", "conditional-accept")


class Plan(NamedTuple):
    """What a hand-off would do: each step with its command, and the result of the merge probe."""

    target: Target
    steps: tuple[tuple[str, tuple[str, ...]], ...]
    probe: str

    def lines(self) -> list[str]:
        """The plan for people, before they confirm it."""
        into = f" to be merged into {self.target.base}" if self.target.base else ""
        lines = [f"hand-off of {self.target.branch} at {self.target.head[:12]}{into}", f"merge probe: {self.probe}"]
        return lines + [f"{at}. {step}: {shlex.join(argv)}" for at, (step, argv) in enumerate(self.steps, 1)]


def plan_handoff(project: ProjectFiles, key: TaskKey, choice: Choice, services: Services) -> Plan:
    """Raises Refused (`nothing-chosen`, `not-accepted`, `nothing-to-push`, `merge-conflict`, `hooks-changed`),
    UsageError (`bad-ref`), Missing (`gh-missing`)."""
    if not choice.steps:
        raise nothing_chosen(key)
    task = project.task(key)
    target = target_of(project, key, choice, services)
    fits, probe = probe_merge(target)
    if not fits:
        raise Refused("merge-conflict", probe, where=target.folder, hint=_merge_hint(target, key))
    require_known_hooks(project, key, target, services)
    if PULL_REQUEST in choice.steps:
        _require_gh(target, key, services.environment)
    body = pull_request_file(task, next_seq(task, HANDOFF, None))
    return Plan(target, tuple((step, tuple(argv)) for step, argv in commands(choice, target, body)), probe)


def nothing_chosen(key: TaskKey) -> Refused:
    hint = f"{okstra_command('handoff', key, '--push')}; or --pr, which pushes and opens a pull request"
    return Refused("nothing-chosen", "no step of the hand-off is chosen: nothing was done", where=str(key), hint=hint)


def pull_request_file(task: TaskFiles, seq: int) -> str:
    """The path of the pull request's text in that run of the task."""
    return os.path.join(task.run_dir(HANDOFF), "reports", f"pull-request-{seq:03d}.md")


def require_accepted(task: TaskFiles, key: TaskKey, head: str) -> Mapping[str, Any]:
    """The report of the final verification that accepted exactly this commit. Raises Refused (`not-accepted`)."""
    reports = os.path.join(task.run_dir("final-verification"), "reports")
    names = sorted(name for name in files.names_in(reports) if name.endswith(".data.json"))
    report = (files.read_json(os.path.join(reports, names[-1])) or {}) if names else {}
    verdict = report.get("verdict")
    token = str(verdict.get("token", "")) if isinstance(verdict, dict) else ""
    seen = str(report.get("commit") or "")
    if token not in _FIT or seen != head:
        if not names:
            raise Refused(
                "not-accepted", "no final verification has accepted the task", where=str(key), hint=_verify(key)
            )
        moved = f" of {seen[:12]}, and the branch is at {head[:12]}" if token in _FIT else ""
        raise Refused(
            "not-accepted",
            f"the task's last final verification says {token or 'nothing'}{moved}",
            where=os.path.join(reports, names[-1]),
            hint=_verify(key),
        )
    return report


def probe_merge(target: Target) -> tuple[bool, str]:
    """Whether the target would merge into its base, and a sentence about it. The base is the remote's version, where
    that is known: there it will be merged."""
    if not target.base:
        return True, "no base branch to probe against"
    base = _base_commit(target.folder, target.remote, target.base)
    if base is None:
        return True, f"{target.base} is not known here: fetch it to have the merge probed"
    try:
        conflicts = merge_tree(target.folder, base, target.head).conflicts
    except OkstraError as error:
        return False, error.message
    if conflicts:
        return False, f"it would conflict with {target.base} in {', '.join(conflicts[:10])}"
    return True, f"it would merge into {target.base} without conflict"


def require_known_hooks(project: ProjectFiles, key: TaskKey, target: Target, services: Services) -> None:
    """Raises Refused (`hooks-changed`): the push runs the person's hooks, and those in the tree are the task's to
    change."""
    claim = services.registry.read().task(key)
    base = _base_commit(target.folder, target.remote, target.base) if target.base else None
    bases = [commit for commit in (claim.base_commit if claim else "", base or "") if commit]
    changed = tree_hooks.changed_hooks(target.folder, target.head, bases, project.root)
    if changed:
        at = f"git -C {shlex.quote(target.folder)}"
        look = f"{at} diff {shlex.join([*bases[-1:], target.head, '--', *changed])}"
        (_, push), *_ = commands(Choice((PUSH,)), target, "")
        raise Refused(
            "hooks-changed",
            f"git would run hooks from the task's own tree that its base does not have: {', '.join(changed)}",
            where=target.folder,
            hint=f"nothing was pushed; read them: {look}; then push by hand: {shlex.join(push)}",
        )


def target_of(project: ProjectFiles, key: TaskKey, choice: Choice, services: Services) -> Target:
    """The accepted commit of the task's branch, even if its worktree was removed. Raises as `plan_handoff`."""
    claim = services.registry.read().task(key)
    top = project.root
    head = (git.branch_commit(top, claim.branch) or "") if claim and git.discover(top) else ""
    require_accepted(project.task(key), key, head)
    if claim is None or not head:
        raise _nothing_to_push(
            key, f"{key} has no branch of its own", "okstra worktree list shows the branches there are"
        )
    base, remote = choice.base or _branch_of_main(top, claim.branch), _remote(top, key)
    if base == claim.branch:
        raise UsageError("bad-ref", f"{base} is the task's own branch", where="--base", hint="name another branch")
    if choice.base and _base_commit(top, remote, base) is None:
        hint = f"see `git branch -a`; `git fetch {shlex.quote(remote)}` brings what others pushed"
        raise UsageError("bad-ref", f"there is no branch {base!r}", where="--base", hint=hint)
    folder = claim.path if os.path.isdir(claim.path) and not git.pushes_to_relative_path(top, remote) else top
    title = choice.title or _title(project, key, head, claim.base_commit)
    return Target(folder, claim.branch, head, remote, base, title)


def _branch_of_main(top: str, branch: str) -> str:
    """The default base: the branch that the main checkout is on."""
    found = git.head_branch(top)
    return "" if found == branch else found


def _remote(top: str, key: TaskKey) -> str:
    names = git.remote_names(top)
    if "origin" in names or len(names) == 1:
        return "origin" if "origin" in names else names[0]
    reason = f"none of its remotes is `origin`: {', '.join(names)}" if names else "it has no remote"
    raise _nothing_to_push(key, f"the repository can't be pushed: {reason}", "git remote add origin URL")


def _base_commit(root: str, remote: str, base: str) -> str | None:
    return git.resolve(root, f"refs/remotes/{remote}/{base}") or git.resolve(root, f"refs/heads/{base}")


def _title(project: ProjectFiles, key: TaskKey, head: str, base: str) -> str:
    """The task's title; else its only commit's subject; else its id."""
    given = str((read_manifest(project.task(key)) or {}).get("title") or "")
    if given:
        return given
    subjects = git.commit_subjects(project.root, base, head) if base else []
    return subjects[0]["subject"] if len(subjects) == 1 else key.task_id


def _require_gh(target: Target, key: TaskKey, environment: Mapping[str, str]) -> None:
    """Raises Missing (`gh-missing`), before anything is pushed."""
    url = git.push_url(target.folder, target.remote)
    place = place_of(url)
    fault = github.fault_of(environment, place.host if place else "")
    if not fault:
        return
    page = _compare_url(url, target.base, target.branch)
    by_hand = f", then open the pull request at {page}" if page else ", then open the pull request by hand"
    hint = f"{okstra_command('handoff', key, '--push')}{by_hand}; or install gh, and `gh auth login`"
    raise Missing("gh-missing", f"{fault}: nothing was pushed", where=url, hint=hint)


def _compare_url(url: str, base: str, branch: str) -> str:
    """The page where a person can open the pull request by hand; empty for an unknown kind of host."""
    place = place_of(url)
    if place is None or not base:
        return ""
    between = f"{quote(base, safe='/')}...{quote(branch, safe='/')}"
    if "gitlab" in place.host:
        return f"https://{place.host}/{place.path}/-/compare/{between}"
    return f"https://{place.host}/{place.path}/compare/{between}" if "github" in place.host else ""


def _merge_hint(target: Target, key: TaskKey) -> str:
    merge = f"git -C {shlex.quote(target.folder)} merge {shlex.quote(target.base)}"
    return f"{merge}; then {_verify(key)}"


def _verify(key: TaskKey) -> str:
    return okstra_command("run", "--task-key", key, "--task-type", "final-verification")


def _nothing_to_push(key: TaskKey, message: str, hint: str) -> Refused:
    return Refused("nothing-to-push", message, where=str(key), hint=hint)


class Place(NamedTuple):
    """The host and path of a remote that people can open in a browser."""

    host: str
    path: str


def place_of(url: str) -> Place | None:
    """None for a remote on disk, or in a form that only git understands."""
    if url.startswith(("/", ".", "file:")):
        return None
    found = _HTTP.fullmatch(url) if "://" in url and not url.startswith("ssh:") else _SSH.fullmatch(url)
    if found is None:
        return None
    return Place(found[1], found[2].strip("/").removesuffix(".git"))


def pull_request_body(template: str, values: Mapping[str, str]) -> str:
    """The template with its placeholders filled in. okstra's records are in every body: parts that a project's own
    template has no placeholder for come last."""
    missing = [name for name in _KEPT if f"{{{{{name.upper()}}}}}" not in template]
    filled = re.sub(r"\{\{([A-Z_]+)\}\}", lambda found: values.get(found[1].lower(), found[0]), template)
    rest = "".join(f"\n### {name.capitalize()}\n\n{values[name]}\n" for name in missing)
    return f"{filled.rstrip()}\n{rest}"


def findings_text(findings: Sequence[Mapping[str, Any]]) -> str:
    """Titles are formatted as code: no text of an agent may close an issue or mention a person at the host."""
    lines = [f"- {one['severity']}, {one['class']}, {one['status']}: {_code(one['title'])}" for one in findings]
    return "\n".join(lines) or "(none)"


def gates_text(gates: Mapping[str, Mapping[str, Any]]) -> str:
    lines = [
        f"- {name}: {gate['gate']}" + (f" ({_code(gate['note'])})" if gate["note"] else "")
        for name, gate in gates.items()
    ]
    return "\n".join(lines) or "(none)"


class CheckSeen(NamedTuple):
    """A command that okstra ran for the task. `of` is whose check it is: a stage's, or the verification's."""

    of: str
    command: str
    exit: int | None
    commit: str
    proof: Mapping[str, Any]
    """Of a stage's exit check, as its record has it; empty for other commands."""
    reasons: tuple[str, ...] = ()
    """What a person gave as reasons for a gate that they opened."""


def proof_text(seen: Sequence[CheckSeen]) -> str:
    return "\n".join(f"- {one.of}: {_code(one.command)} {_shown(one)}" for one in seen) or "(none)"


def _shown(one: CheckSeen) -> str:
    """How it ended with the change, and without it; and what that shows."""
    parts = [_ended(one.exit, one.commit)]
    if one.proof.get("base"):
        parts.append(f"without the stage's code {_ended(one.proof.get('base_exit'), str(one.proof['base']))}")
    if one.proof.get("outcome"):
        parts.append(str(one.proof["outcome"]))
    if one.proof.get("doubt"):
        parts.append(f"look at it: {_code(one.proof['doubt'])}")
    return "; ".join([*parts, *(f"by a person: {_code(reason)}" for reason in one.reasons)])


def _ended(status: object, commit: str) -> str:
    how = "stopped at its time limit" if status is None else f"exit {status}"
    return f"{how} at {commit[:12]}" if commit else how


def receipt_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """`rows`: id, outcome, commit and breaches of each run that the change came from."""
    return "\n".join(_receipt_lines(rows)) or "(none)"


def _receipt_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for row in rows:
        breaches = ", ".join(str(one) for one in row["breaches"]) or "no breach"
        at = f" at {str(row['commit'])[:12]}" if row["commit"] else ""
        yield f"- {_code(row['run'])}: {row['outcome']}{at}; {breaches}"


def _code(text: object) -> str:
    return f"`{' '.join(str(text).split()).replace('`', chr(39))}`"
