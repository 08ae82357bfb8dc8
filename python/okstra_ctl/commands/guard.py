"""Called by hooks while a run's agents work: may this tool be called, may this be committed? Status 2 means no to
Claude Code's hooks; the reason goes to stderr, where the agent reads it. okstra's own Node programs call `verb`.

Exit 0: yes; 2: no to a tool call, which is what its hook wants; 3: no to a commit.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace

from ..errors import Refused, UsageError
from ..guard.calls import SCHEMA, Decision, decide_commit, decide_tool, rules_of
from ..options import add_common_flags
from ..output import Reply
from ..services import Call
from ..system import files
from ..system.text import loads

_HOOK_SAYS_NO = 2


def configure(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    tool = actions.add_parser("tool", help="a PreToolUse hook: the call as JSON on stdin; status 2 refuses it")
    commit = actions.add_parser("commit", help="a pre-commit hook: what is staged; status 3 refuses it")
    for action in (tool, commit):
        action.add_argument("--rules", required=True, metavar="FILE", help="the run's guard rules")
        action.add_argument("--role", default="", metavar="R", help="whose call it is (default: $OKSTRA_ROLE)")
        add_common_flags(action)
    verb = actions.add_parser("verb", help="whether a command that changes something may be called from here")
    verb.add_argument("command", metavar="COMMAND", help="e.g. uninstall")
    add_common_flags(verb)


def execute(args: Namespace, call: Call) -> Reply:
    if args.action == "verb":
        from ..leadership import require_no_worker

        require_no_worker(args.command, call.services)
        return Reply({"allowed": True}, "")
    document = files.read_json(args.rules, SCHEMA)
    if document is None:
        raise UsageError("not-found", "there are no such rules", where=args.rules)
    try:
        rules = rules_of(document, args.role or os.environ.get("OKSTRA_ROLE", ""), _own_paths())
    except ValueError as error:
        raise UsageError("bad-config", f"the rules can't be read: {error}", where=args.rules) from None
    if args.action == "commit":
        return _verdict_reply(decide_commit(rules, _staged()))
    try:
        asked = loads(sys.stdin.read())
        tool, given = str(asked["tool_name"]), asked["tool_input"]
    except (ValueError, KeyError, TypeError):
        raise UsageError("usage", "stdin is no PreToolUse call", hint="it has tool_name and tool_input") from None
    decision = decide_tool(rules, tool, given if isinstance(given, dict) else {}, str(asked.get("cwd") or os.getcwd()))
    if decision.allowed:
        return Reply({"allowed": True}, "")
    return Reply(
        {"allowed": False, "reason": decision.reason},
        "",
        talk=[f"okstra guard: {decision.reason}"],
        exit_status=_HOOK_SAYS_NO,
    )


def _own_paths() -> tuple[str, ...]:
    """The result and the audit file of the worker that this runs in; only its environment names them."""
    paths = (os.environ.get("OKSTRA_RESULT", ""), os.environ.get("OKSTRA_AUDIT", ""))
    return tuple(path for path in paths if os.path.isabs(path))


def _verdict_reply(decision: Decision) -> Reply:
    if not decision.allowed:
        raise Refused("guard-refused", decision.reason, where="git commit", hint="commit planned files only")
    return Reply({"allowed": True}, "")


def _staged() -> tuple[str, ...]:
    from .. import git

    return git.staged_files(os.getcwd())
