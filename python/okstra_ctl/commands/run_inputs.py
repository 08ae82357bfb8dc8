"""From the flags of `run` to the inputs of a run's preparation; those of a hand-off, and the question before it."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace

from ..command_table import find
from ..errors import Refused, Unreadable, UsageError
from ..names import IMPLEMENTATION, PLANNING, REVIEW, TaskKey
from ..options import STDIN, build_parser, text_from
from ..output import confirm
from ..paths import ProjectFiles
from ..quoting import okstra_command
from ..runs.manifest import choice_of
from ..runs.request import PrepareInputs
from ..services import Call
from ..settings.phases import NEED_REQUEST
from ..settings.project import Project, open_project
from ..settings.roster import MODEL_SLOTS
from ..system import files
from ..system.text import printable
from ..tasks.named import NEW_GROUP, new_key
from ..tasks.records import read_manifest
from ..tasks.titles import title_in
from ..wizard import session
from ..wizard.front import can_ask, converse, open_front
from ..wizard.steps import BACK, NEW, STEPS, Option, Question, likely_phase
from .leading import print_progress

_PHASE_OF_WORDS = "requirements-discovery"
_KINDS = ("error-analysis", PLANNING, "improvement-discovery", _PHASE_OF_WORDS)
_NEEDED = ("task_type", "task_group", "task_id")
_NO_QUESTION = (
    "project-id",
    "lead",
    "provider",
    "budget",
    "quorum",
    "wait-quota",
    "report-language",
    "report-writer",
    "base",
    "title",
)
_SWITCHES = ("all-ready", "render-only", "dry-run", "draft", "quick", "approve")


def name_new_task(args: Namespace, call: Call) -> None:
    """Fills in what words, or a brief, alone leave open: the task's key, and the phase, which a person at the terminal
    is asked for. Raises UsageError (`usage`), Missing (`not-a-project`)."""
    if args.words and (args.request or args.task_brief):
        other = "--request" if args.request else "--task-brief"
        raise UsageError("usage", f"REQUEST and {other} both say what is wanted", hint="give one of them")
    if args.words:
        args.request = text_from(STDIN) if args.words == STDIN else args.words
    project = open_project(call.start, call.services)
    number = _take_issue(args, project.root, call) if args.issue else 0
    if args.task_key or args.task_id:
        return
    wanted = args.request or _title_of(args.task_brief)
    group = args.task_group or NEW_GROUP
    if number:
        key = TaskKey.make(project.config.project_id, group, str(number))
        if read_manifest(project.files.task(key)) is not None:
            raise UsageError(
                "usage", f"issue {number} has a task already", where=str(key), hint=okstra_command("next", key)
            )
    else:
        key = new_key(project.files, project.config.project_id, group, wanted)
    args.task_group, args.task_id = key.task_group, key.task_id
    if not args.task_type:
        asks = can_ask() and not (args.yes or args.ask or getattr(args, "json", False))
        language = args.report_language or project.config.report_language
        args.task_type = _ask_phase(title_in(wanted), language, call) if asks else _PHASE_OF_WORDS


def _take_issue(args: Namespace, root: str, call: Call) -> int:
    """Makes the issue the request; returns its number. Raises UsageError (`usage`), and as `read_issue`."""
    from ..prepare.issue import read_issue

    if args.request or args.task_brief:
        raise UsageError("usage", "--issue says what is wanted already", hint="leave the other request out")
    issue = read_issue(args.issue, root, call.services)
    args.request = issue.text
    if issue.left_out:
        print_progress(f"{issue.left_out} comment(s) of people who may not write to the repository are left out")
    return issue.number


def _title_of(brief: str) -> str:
    """What the brief is about, in a line; empty for one that can't be read, which is refused where it is used."""
    try:
        return title_in((files.read_bytes(brief) or b"").decode("utf-8-sig"))
    except (UnicodeDecodeError, Unreadable):
        return ""


def _ask_phase(request: str, language: str, call: Call) -> str:
    """Asks what kind of work it is, and so which phase the task begins with. Raises Refused (`not-confirmed`)."""
    words = session.texts_of(language)["words"]
    options = tuple(Option(phase, words[f"kind-{phase}"]) for phase in _KINDS)
    likely = likely_phase(request)
    question = Question("kind", "pick", words["kind"], words["kind-help"], options, (), likely, False, "")
    answer = open_front(language, call.services.environment, plain=False).ask(question, "")
    if answer == BACK:
        raise Refused("not-confirmed", "nothing was prepared")
    return answer


def lacking(args: Namespace, call: Call) -> list[str]:
    """The required flags that are not given. Raises Missing (`not-a-project`)."""
    given = _needed(args, open_project(call.start, call.services))
    return ["--" + name.replace("_", "-") for name in _NEEDED if not given[name]]


def lacks_request(args: Namespace, call: Call) -> bool:
    """Whether a person must be asked for the request: the phase needs one, and there is none."""
    project = open_project(call.start, call.services)
    given = _needed(args, project)
    if args.task_brief or args.request or given["task_type"] not in NEED_REQUEST:
        return False
    task = project.files.task(TaskKey.make(_project_id(args, project), given["task_group"], given["task_id"]))
    return not (read_manifest(task) or {}).get("brief") and not os.path.lexists(task.brief)


def gather(args: Namespace, call: Call) -> PrepareInputs:
    """Raises UsageError: `request-missing` where nothing is said at all, `input-missing` that lists what is missing."""
    project = open_project(call.start, call.services)
    given = _needed(args, project)
    if given["task_type"] == REVIEW:
        hint = "okstra review RANGE, --staged or --pr N"
        raise UsageError("usage", "a change is reviewed by a command of its own", hint=hint)
    missing = lacking(args, call)
    named = (args.task_group, args.task_id, args.task_type if not args.quick else "")
    if missing and not any(named):
        hint = okstra_command("run", *(["--quick"] if args.quick else []), "what is wanted")
        raise UsageError("request-missing", "there is no request: nothing was prepared", where="okstra run", hint=hint)
    if missing:
        raise UsageError(
            "input-missing",
            f"{', '.join(missing)} missing",
            where="okstra run",
            hint="okstra run --help; or okstra.sh at a terminal",
        )
    return PrepareInputs(
        project_root=project.root,
        project_id=_project_id(args, project),
        brief_path=args.task_brief,
        request=args.request,
        by_key=bool(args.task_key),
        work_category=args.work_category,
        approved_plan_path=args.approved_plan,
        stage=args.stage or "auto",
        base_ref=args.base_ref,
        workers=parts(args.workers),
        executor=args.executor,
        critic=args.critic,
        provider=args.provider,
        lead=args.lead,
        report_writer=args.report_writer,
        models={slot: getattr(args, f"{slot.replace('-', '_')}_model") for slot in MODEL_SLOTS},
        directive=args.directive,
        related_tasks=parts(args.related_tasks),
        clarification_response=args.clarification_response,
        pr_template_path=args.pr_template_path,
        report_language=args.report_language,
        budget_usd=args.budget,
        quorum=args.quorum,
        wait_quota=args.wait_quota,
        fix_cycle=args.fix_cycle,
        handoff=choice_of(push=args.push, pull_request=args.pr, base=args.base, draft=args.draft, title=args.title),
        task_type=given["task_type"],
        task_group=given["task_group"],
        task_id=given["task_id"],
    )


def _needed(args: Namespace, project: Project) -> dict[str, str]:
    given = {name: str(getattr(args, name)) for name in _NEEDED}
    if args.task_key:
        key = TaskKey.parse(args.task_key)
        given.update(task_group=key.task_group, task_id=key.task_id)
        given["task_type"] = given["task_type"] or _last_phase(project.files, key)
    return given


def _project_id(args: Namespace, project: Project) -> str:
    if args.task_key:
        return TaskKey.parse(args.task_key).project_id
    return args.project_id or project.config.project_id


def _last_phase(files: ProjectFiles, key: TaskKey) -> str:
    """The phase of the task's last run: what `--task-key` alone repeats."""
    manifest = read_manifest(files.task(key)) or {}
    last = str(manifest.get("last_run", ""))
    return last.removeprefix(f"{key}/").split("/")[0] if last else ""


def parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def complete(args: Namespace, call: Call) -> Namespace:
    """Asks for missing flags and adds them; unchanged when none is missing, or there is no terminal.

    Raises Refused (`not-confirmed`), UsageError, KeyboardInterrupt: nothing was written.
    """
    if getattr(args, "json", False) or not can_ask() or not (lacking(args, call) or lacks_request(args, call)):
        return args
    begun = session.begin(call.start, args.report_language, _known(args), call.services)
    front = open_front(begun.language, call.services.environment, plain=args.plain)
    more = _others(args)
    argv = session.arguments(converse(begun, front, call.services, more), call.services)
    command = find("run")
    assert command is not None
    parser, _ = build_parser(command)
    return parser.parse_args([*argv, *more])


def _known(args: Namespace) -> dict[str, str]:
    """The questions that flags answer."""
    known = {step.id: str(getattr(args, step.id.replace("-", "_"), "")) for step in STEPS}
    if args.task_key:
        key = TaskKey.parse(args.task_key)
        known.update({"task-group": key.task_group, "task-id": key.task_id})
    if known["task-group"] or known["task-id"]:
        known["task"] = NEW
    known["steps"] = ",".join(choice_of(push=args.push, pull_request=args.pr).steps)
    if len(args.request.split()) > 1:
        known["task-brief"] = known["task-brief"] or args.request
    if args.all_ready:
        known.update({"task-type": IMPLEMENTATION, "stage": "auto"})
    return known


def _others(args: Namespace) -> list[str]:
    """The given flags that no question covers, as words of the command line."""
    names = [*_NO_QUESTION, *(f"{slot}-model" for slot in MODEL_SLOTS)]
    values = {name: getattr(args, name.replace("-", "_")) for name in names}
    if args.task_key:
        values["project-id"] = TaskKey.parse(args.task_key).project_id
    words = [f"--{name}={value}" for name, value in values.items() if value]
    words += [f"--{name}" for name in _SWITCHES if getattr(args, name.replace("-", "_"))]
    return [*words, *([f"--jobs={args.jobs}"] if args.all_ready else [])]


def add_handoff_flags(parser: ArgumentParser) -> None:
    parser.add_argument("--push", action="store_true", help="hand-off: push the task's branch")
    parser.add_argument("--pr", action="store_true", help="hand-off: push it, and open a pull request with gh")
    parser.add_argument("--base", metavar="BRANCH", default="", help="hand-off: where the pull request is to be merged")
    parser.add_argument("--draft", action="store_true", help="hand-off: open the pull request as a draft")
    parser.add_argument("--title", metavar="T", default="", help="hand-off: the pull request's title")


def confirm_handoff(inputs: PrepareInputs, call: Call, *, asks: bool) -> None:
    """Shows the steps with their commands, then asks once. Nothing is made or done before the answer.

    Raises Refused (`not-confirmed`), also where nobody is there to ask, and as `plan_handoff`.
    """
    from ..handoff import plan_handoff
    from ..tasks.catalog import require_task

    key = TaskKey.make(inputs.project_id, inputs.task_group, inputs.task_id)
    require_task(str(key), os.fspath(inputs.project_root), call.services)
    plan = plan_handoff(ProjectFiles(os.fspath(inputs.project_root)), key, inputs.handoff, call.services)
    sys.stderr.write(printable("\n".join(plan.lines())) + "\n")
    if not asks:
        return
    if not sys.stdin.isatty():
        hint = "with --yes it is done without a question"
        raise Refused("not-confirmed", "nobody is here to ask: nothing was done", where=str(key), hint=hint)
    if not confirm("do it?", default=False):
        raise Refused("not-confirmed", "nothing was done", where=str(key))
