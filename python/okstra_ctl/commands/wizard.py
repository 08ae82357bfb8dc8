"""The wizard for programs: JSON in, JSON out. A skill relays its questions and answers, and adds none."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ..options import add_common_flags
from ..output import Reply
from ..services import Call


def configure(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    init = actions.add_parser("init", help="begin; returns where the state is, and the first question")
    init.add_argument("--language", metavar="en|ko", default="", help="default: the project's report language")
    init.add_argument(
        "--known", metavar="ID=VALUE", action="append", default=[], help="an answer that is known; may be repeated"
    )
    step = actions.add_parser("step", help="answer the next question; __back__ takes the last answer back")
    step.add_argument("--answer", metavar="TEXT", required=True, help="a value of the options, or text")
    arguments = actions.add_parser("render-args", help="the arguments for okstra run, once all is answered")
    confirmation = actions.add_parser("confirmation", help="a description of what is about to be started")
    for action in (step, arguments, confirmation):
        action.add_argument("--state", metavar="PATH", required=True, help="as init returned it")
    for action in (init, step, arguments, confirmation):
        add_common_flags(action)


def execute(args: Namespace, call: Call) -> Reply:
    from ..wizard import session

    if args.action == "init":
        known = dict(pair.partition("=")[::2] for pair in args.known)
        begun = session.start(call.start, args.language, known, call.services)
        return _asked(begun.path, session.prompt(begun, call.services))
    wizard = session.load(args.state, call.services)
    if args.action == "step":
        after, error = session.step(wizard, args.answer, call.services)
        return _asked(after.path, session.prompt(after, call.services, error))
    if args.action == "confirmation":
        text = session.confirmation(wizard, call.services)
        return Reply({"text": text}, text)
    argv = list(session.arguments(wizard, call.services))
    return Reply({"argv": ["okstra", "run", *argv]}, "\n".join(argv))


def _asked(path: str, prompt: dict[str, object] | None) -> Reply:
    if prompt is None:
        return Reply({"state": path, "done": True}, "done")
    lines = [str(prompt["error"])] if prompt["error"] else []
    lines += [f"{prompt['label']}  ({prompt['help']})"]
    options = prompt["options"]
    more = prompt["more"]
    for option in [*(options if isinstance(options, list) else []), *(more if isinstance(more, list) else [])]:
        mark = "*" if option["default"] else " "
        lines.append(
            f" {mark} {option['value']}  {option['label']}" + (f"  ({option['hint']})" if option["hint"] else "")
        )
    return Reply({"state": path, "done": False, "prompt": prompt}, "\n".join(lines))
