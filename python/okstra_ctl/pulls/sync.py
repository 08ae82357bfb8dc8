"""Taking what a pull request asks for into a brief, and answering its threads once that is done.

Everything is asked of GitHub outside every lock. What was taken is recorded in one row, after its brief is on disk: a
kill before it leaves a brief that the next call writes anew. An answer carries a mark, so that a kill between posting
and recording it leads to no second one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .. import git, github
from ..errors import OkstraError, Refused, WorkFailed
from ..names import HANDOFF, Owner, RunId, TaskKey
from ..paths import ProjectFiles, TaskFiles
from ..quoting import okstra_command
from ..runs.manifest import SCHEMA as MANIFEST_SCHEMA
from ..services import Services
from ..status import Liveness
from ..system import files
from ..system.jsonl import read_rows
from ..system.locks import LockKind, locked
from ..system.process_identity import liveness, this_process
from ..system.secrets import hide
from ..system.text import encode_line, text_bytes
from ..tasks.fix_cycles import Cycle, cycles_of
from . import items
from .items import Item

_FIELDS = "number,url,state,headRefOid,statusCheckRollup,comments,reviews"
_NONE = "no pull requests found"
_OPEN = ("OPEN", "")


class Pull(NamedTuple):
    """A pull request as GitHub has it now. `threads`: all comments on lines. `commit`: that of the task's branch here,
    empty without one."""

    number: int
    url: str
    state: str
    head: str
    view: Mapping[str, Any]
    threads: Sequence[Mapping[str, Any]]
    commit: str


class Answer(NamedTuple):
    """A thread that can be answered: its item, and the commit and run by which it was mended."""

    item: str
    thread: int
    commit: str
    run: str


def pull_of(project: ProjectFiles, key: TaskKey, services: Services) -> Pull:
    """Raises Refused (`no-pull-request`), Missing (`gh-missing`), WorkFailed (`gh-failed`)."""
    environment, branch = services.environment, _branch(project, key, services)
    github.require(environment)
    try:
        view = github.ask(["pr", "view", branch, "--json", _FIELDS], project.root, environment)
    except WorkFailed as failed:
        if _NONE not in failed.message:
            raise
        raise _no_pull_request(key, f"GitHub has no pull request of {branch}") from failed
    if not isinstance(view, Mapping) or not isinstance(view.get("number"), int):
        raise WorkFailed("gh-failed", "gh did not say the pull request's number", where=branch)
    number = view["number"]
    threads = github.ask_all(f"repos/{{owner}}/{{repo}}/pulls/{number}/comments", project.root, environment)
    known = [one for one in threads if isinstance(one, Mapping) and isinstance(one.get("id"), int)]
    state, head = str(view.get("state") or ""), str(view.get("headRefOid") or "")
    commit = git.branch_commit(project.root, branch) or ""
    return Pull(number, str(view.get("url") or ""), state, head, view, known, commit)


def new_items(project: ProjectFiles, task: TaskFiles, pull: Pull, services: Services) -> list[Item]:
    """What is asked for and was not taken yet; nothing of a pull request that is closed."""
    if pull.state not in _OPEN:
        return []
    everything = [*items.review_comments(pull.threads), *items.talk(pull.view), *items.red_checks(pull.view)]
    return items.wanted(everything, _taken(task), github.Writers(project.root, services.environment).has)


def logs_of(project: ProjectFiles, wanted: Sequence[Item], services: Services) -> dict[str, str]:
    """The logs of red checks, as far as GitHub gives them."""
    logs = {}
    for item in wanted:
        if item.run:
            try:
                logs[item.id] = github.call(
                    ["run", "view", item.run, "--log-failed"], project.root, services.environment
                )
            except OkstraError as error:
                logs[item.id] = error.message
    return logs


def take(
    project: ProjectFiles, task: TaskFiles, pull: Pull, wanted: Sequence[Item], logs: Mapping[str, str], at: str
) -> str:
    """Writes the brief and records what stands in it. Returns the brief's path; empty when another call was faster."""
    with locked(LockKind.INDEX, project.lock):
        known = _taken(task)
        left = [item for item in wanted if item.id not in known.briefs]
        if not left:
            return ""
        path = task.review_brief(len(set(known.briefs.values())) + 1)
        text = hide(items.brief_text(pull.number, pull.url, left, logs))[0]
        files.make_folder(os.path.dirname(path))
        files.replace(path, text_bytes(text))
        named = [{"id": item.id, "thread": item.thread} for item in left]
        built = {"commit": pull.commit} if pull.commit else {}
        _append(task, items.TAKEN, at, pull.number, named, brief=os.path.basename(path), **built)
        return path


def answerable(project: ProjectFiles, task: TaskFiles, pull: Pull) -> list[Answer]:
    """Threads that are not answered and whose brief was worked off by a fix cycle that an acceptance closed, whose
    commit the pull request has and is newer than the brief."""
    known = _taken(task)
    mended = dict(_mended(project, task))
    found: dict[int, Answer] = {}
    for item, brief in known.briefs.items():
        thread = known.threads[item]
        if thread and item not in known.replied and brief in mended and not _is_at_work(known, item):
            run, commit = mended[brief]
            if _has(project.root, pull.head, commit) and not _has(project.root, known.commits[item], commit):
                found[thread] = Answer(item, thread, commit, run)
    return list(found.values())


def reply(
    project: ProjectFiles, task: TaskFiles, pull: Pull, answers: Sequence[Answer], services: Services
) -> Iterator[Answer]:
    """Posts each answer, records it, and yields it. Raises Missing, WorkFailed."""
    clock, environment = services.clock, services.environment
    with locked(LockKind.INDEX, project.lock):
        known = _taken(task)
        mine = [one for one in answers if one.item not in known.replied and not _is_at_work(known, one.item)]
        rows = [{"id": one.item} for one in mine]
        if rows:
            _append(task, items.REPLYING, clock.now(), pull.number, rows, owner=this_process().to_json())
    for one in mine:
        path = f"repos/{{owner}}/{{repo}}/pulls/{pull.number}/comments/{one.thread}/replies"
        if not items.answered(one.item, pull.threads):
            body = items.reply_text(one.item, one.commit, one.run)
            github.call(["api", "--method", "POST", path, "-f", f"body={body}"], project.root, environment)
        with locked(LockKind.INDEX, project.lock):
            _append(task, items.REPLIED, clock.now(), pull.number, [{"id": one.item}])
        yield one


def waiting(task: TaskFiles) -> list[str]:
    """What was taken and is not answered yet."""
    known = _taken(task)
    return [item for item in known.briefs if item not in known.replied]


def newest_brief(task: TaskFiles) -> str:
    """The path of the brief that was written last; empty without one."""
    names = sorted(set(_taken(task).briefs.values()))
    return os.path.join(os.path.dirname(task.review_brief(1)), names[-1]) if names else ""


def unused_brief(project: ProjectFiles, task: TaskFiles, pull: Pull) -> str:
    """The path of the newest brief, if the pull request is open and no fix cycle has begun with that brief."""
    path = newest_brief(task)
    used = (name for cycle in cycles_of(task) for name in _briefs_of(cycle, project, task))
    return "" if pull.state not in _OPEN or os.path.basename(path) in used else path


def _is_at_work(known: items.Taken, item: str) -> bool:
    """Whether another call is answering it right now."""
    try:
        owner = Owner.from_json(dict(known.replying.get(item, {}))) if item in known.replying else None
    except ValueError:
        return False
    return owner is not None and owner != this_process() and liveness(owner) is Liveness.ALIVE


def _mended(project: ProjectFiles, task: TaskFiles) -> Iterator[tuple[str, tuple[str, str]]]:
    """By brief: the run that accepted what was made of it, and the commit."""
    for cycle in cycles_of(task):
        if cycle.is_open:
            continue
        report = files.read_json_or_empty(task.run_of(RunId.parse(cycle.closed_by)).report_data)
        if report.get("commit"):
            for name in _briefs_of(cycle, project, task):
                yield name, (cycle.closed_by, str(report["commit"]))


def _briefs_of(cycle: Cycle, project: ProjectFiles, task: TaskFiles) -> Iterator[str]:
    """The names of the pull request's briefs that runs of the cycle were given."""
    folder = os.path.realpath(os.path.dirname(task.review_brief(1)))
    for run in cycle.runs:
        manifest = files.read_json(task.run_of(RunId.parse(run)).manifest, MANIFEST_SCHEMA) or {}
        asked = manifest.get("requested")
        brief = str(asked.get("brief") or "") if isinstance(asked, Mapping) else ""
        path = os.path.realpath(os.path.join(project.root, brief)) if brief else ""
        if path and os.path.dirname(path) == folder:
            yield os.path.basename(path)


def _has(root: str, head: str, commit: str) -> bool:
    return head == commit or bool(git.resolve(root, head) and git.is_ancestor(root, commit, head))


def _branch(project: ProjectFiles, key: TaskKey, services: Services) -> str:
    claim = services.registry.read().task(key)
    if claim is not None and claim.branch:
        return claim.branch
    folder = os.path.join(project.task(key).run_dir(HANDOFF), "reports")
    for name in sorted((one for one in files.names_in(folder) if one.endswith(".data.json")), reverse=True):
        phase = files.read_json_or_empty(os.path.join(folder, name)).get("phase")
        if isinstance(phase, Mapping) and phase.get("branch"):
            return str(phase["branch"])
    raise _no_pull_request(key, f"{key} has no branch that was handed off")


def _no_pull_request(key: TaskKey, message: str) -> Refused:
    return Refused("no-pull-request", message, where=str(key), hint=okstra_command("handoff", key, "--pr"))


def _taken(task: TaskFiles) -> items.Taken:
    return items.fold(read_rows(task.pull_request).rows)


def _append(task: TaskFiles, event: str, at: str, number: int, named: Sequence[Mapping[str, Any]], **more: Any) -> None:
    files.make_folder(os.path.dirname(task.pull_request))
    row = {"v": 1, "event": event, "at": at, "pull_request": number, "items": list(named), **more}
    files.append_line(task.pull_request, encode_line(row))
