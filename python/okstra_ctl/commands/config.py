"""Settings of this machine, or with --project of the project: list, get, set, unset; every change is checked first."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping

from ..options import add_common_flags
from ..output import Reply, fields, table
from ..services import Call
from ..settings import config as settings
from ..system.text import dumps


def configure(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", help="without one: list")
    parser.set_defaults(action="list", project=False)
    listed = actions.add_parser("list", help="every setting: its value, where that comes from, and what it means")
    get = actions.add_parser("get", help="one value, and nothing else")
    change = actions.add_parser("set", help="set a value; a wrong one is refused and nothing is changed")
    unset = actions.add_parser("unset", help="take a value out: okstra's own choice holds again")
    for action in (get, change, unset):
        action.add_argument("key", metavar="SETTING", help="a dotted key, as `okstra config list` prints them")
    change.add_argument("value", metavar="VALUE", nargs="+", help="the value; of a list one word for each entry")
    for action in (listed, get, change, unset):
        action.add_argument("--project", action="store_true", help="the project's settings: `.okstra/project.json`")
        add_common_flags(action)


def execute(args: Namespace, call: Call) -> Reply:
    file = settings.of_project(call.start, call.services) if args.project else settings.of_home(call.services)
    if args.action == "list":
        return _list(file, call)
    if args.action == "get":
        return _get(file, args.key, call)
    if args.action == "set":
        value = settings.set_value(file, args.key, args.value, call.services)
        text = fields([("set", value.key), ("to", _text(value.value)), ("in", file.path)])
        return Reply({"file": file.path, **value._asdict()}, text)
    taken = settings.unset_value(file, args.key, call.services)
    data = {"file": file.path, "key": args.key, "was_set": taken}
    return Reply(data, fields([("unset", args.key), ("in", file.path)]) if taken else f"{args.key} was not set")


def _list(file: settings.SettingsFile, call: Call) -> Reply:
    environment = call.services.environment
    values = settings.list_values(file, environment)
    rows = [(value.key, *_in_force(value, environment), value.meaning) for value in values]
    shown = table(rows, ("setting", "value", "origin", "meaning"))
    return Reply({"file": file.path, "settings": [value._asdict() for value in values]}, shown)


def _in_force(value: settings.Value, environment: Mapping[str, str]) -> tuple[str, str]:
    """The value that counts, and where it comes from."""
    shown = environment.get(value.origin) or _text(value.value) or _text(value.default) or "-"
    return shown, value.origin


def _get(file: settings.SettingsFile, key: str, call: Call) -> Reply:
    value = settings.get_value(file, key, call.services.environment)
    data = {"file": file.path, **value._asdict()}
    if value.value is not None:
        return Reply(data, _text(value.value))
    default = f"okstra takes {_text(value.default)}" if value.default is not None else "okstra chooses"
    return Reply(data, "", talk=[f"{key} is not set: {default}"])


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else dumps(value)
