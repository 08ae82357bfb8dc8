"""Messages about runs, to where the setting `notify` says (docs/how-to/notifications.md)."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ..errors import UsageError, WorkFailed
from ..notify.moments import Message
from ..notify.send import send, urls_of
from ..options import add_common_flags
from ..output import Reply, table
from ..services import Call


def configure(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    test = actions.add_parser("test", help="send a message now, and report for each URL whether it was taken")
    add_common_flags(test)


def execute(args: Namespace, call: Call) -> Reply:
    """Raises UsageError (`input-missing`), Missing (`dependency-missing`), WorkFailed (`notify-failed`)."""
    urls = urls_of(call.services)
    if not urls:
        hint = "okstra config set notify ntfy://my-topic"
        raise UsageError(
            "input-missing", "the setting `notify` names nobody", where=call.services.home.config, hint=hint
        )
    sent = send(Message("okstra: test", "This is what a message of okstra looks like."), urls, call.services)
    data: dict[str, object] = {"sent": [one._asdict() for one in sent]}
    failed = [one for one in sent if not one.sent]
    if failed:
        message = "; ".join(f"{one.to}: {one.reason}" for one in failed)
        raise WorkFailed("notify-failed", message, where=call.services.home.config, data=data)
    return Reply(data, table([(one.to, "sent") for one in sent], ("url", "result")))
