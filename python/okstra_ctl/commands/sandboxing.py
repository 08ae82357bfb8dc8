"""`--sandbox`: how a run's workers are contained, this once."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ..sandbox.choice import CHOICES
from ..services import Call
from ..settings.sandbox_settings import VARIABLE


def add_sandbox_flag(parser: ArgumentParser) -> None:
    text = "how workers are contained (default: the setting `sandbox`)"
    parser.add_argument("--sandbox", choices=CHOICES, default="", help=text)


def with_sandbox(args: Namespace, call: Call) -> Call:
    """The call with the sandbox that the flag names, if it names one."""
    if not args.sandbox:
        return call
    environment = {**call.services.environment, VARIABLE: args.sandbox}
    return call._replace(services=call.services._replace(environment=environment))


def sandbox_flag(call: Call) -> list[str]:
    """The flag for a command that this one starts."""
    chosen = call.services.environment.get(VARIABLE, "")
    return [f"--sandbox={chosen}"] if chosen else []
