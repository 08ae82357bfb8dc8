"""How a run is led: its workers' time limits, tries, rounds and quorum, from the home's settings and the phase."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import UsageError, bad_config
from ..results.convergence import Rules
from ..usage.prices import Price, own_prices
from .phases import MODES, Phase

_MOST_VOICES = 9
_WAIT = re.compile(r"([1-9][0-9]{0,3})([mhd])")
_SECONDS = {"m": 60, "h": 3600, "d": 86400}


class EvidenceSettings(NamedTuple):
    """Whether the commands that workers cite are run, and for how many seconds at most each."""

    execute: str
    timeout: float


CONTAINED, ALWAYS, NEVER = "contained", "always", "never"
_EXECUTE = (CONTAINED, ALWAYS, NEVER)
_EVIDENCE_SECONDS = 60.0
_STALL_MINUTES = 10.0


class LeadSettings(NamedTuple):
    """Limits are seconds. `providers` maps a provider's name to its settings."""

    max_parallel_workers: int
    soft_limit: float
    hard_limit: float
    rules: Rules
    providers: Mapping[str, Mapping[str, Any]]
    prices: Mapping[str, Price]
    """A person's own, by model."""
    evidence: EvidenceSettings
    stall_after: float = 0.0


def lead_settings(
    phase: Phase,
    config: Mapping[str, Any],
    project: Mapping[str, Any],
    providers: Mapping[str, Mapping[str, Any]],
    *,
    places: tuple[str, str],
    quorum: str = "",
) -> LeadSettings:
    """`config` is config.json and `project` project.json, read from these places; `quorum` is the run's own, from its
    command line, instead of config.json's.

    A project may ask for a larger quorum, never for a smaller one, so that nobody who can write to a repository can
    weaken it. Raises UsageError (`bad-config`, `usage`).
    """
    where, project_where = places
    limits, convergence = _section(config, "limits", where), _section(config, "convergence", where)
    soft = _number(limits, "softMinutes", phase.soft_limit_minutes, where) * 60
    hard = _number(limits, "hardMinutes", phase.hard_limit_minutes, where) * 60
    mode = str(convergence.get("mode", MODES[0]))
    if mode not in MODES:
        raise bad_config(where, f"convergence.mode is {mode!r}; one of {', '.join(MODES)}")
    adversarial = convergence.get("adversarial", phase.adversarial)
    rounds = int(_number(convergence, "maxRounds", phase.max_rounds, where, least=1, most=3))
    own = quorum_asked(quorum) if quorum else _quorum(convergence, 2, where)
    needed = max(own, _quorum(_section(project, "convergence", project_where), own, project_where))
    return LeadSettings(
        int(_number(config, "maxParallelWorkers", 4, where, least=1, most=64)),
        min(soft, hard),
        hard,
        Rules(rounds, needed, mode, adversarial is True),
        providers,
        own_prices(config, where=where),
        evidence_settings(config, where=where),
        _number(limits, "stallAfter", _STALL_MINUTES, where) * 60,
    )


def evidence_settings(config: Mapping[str, Any], *, where: str) -> EvidenceSettings:
    """From the home's settings alone: no repository decides that models' commands run on a person's machine.

    Raises UsageError (`bad-config`).
    """
    section = _section(config, "evidence", where)
    execute = str(section.get("execute", CONTAINED))
    if execute not in _EXECUTE:
        raise bad_config(where, f"evidence.execute is {execute!r}; one of {', '.join(_EXECUTE)}")
    return EvidenceSettings(execute, _number(section, "timeout", _EVIDENCE_SECONDS, where, least=1, most=3600))


def quorum_asked(text: str) -> int:
    """The number of `--quorum`. Raises UsageError (`usage`)."""
    if text not in map(str, range(1, _MOST_VOICES + 1)):
        hint = f"give a number of voices from 1 to {_MOST_VOICES}"
        raise UsageError("usage", f"invalid --quorum {text!r}", where="--quorum", hint=hint)
    return int(text)


def wait_asked(text: str) -> float:
    """The seconds of `--wait-quota`; 0 where it was not given. Raises UsageError (`usage`)."""
    found = _WAIT.fullmatch(text)
    if text and found is None:
        hint = "give a number of minutes, hours or days, e.g. 90m, 8h or 2d"
        raise UsageError("usage", f"invalid --wait-quota {text!r}", where="--wait-quota", hint=hint)
    return float(found[1]) * _SECONDS[found[2]] if found else 0.0


def _quorum(convergence: Mapping[str, Any], default: float, where: str) -> int:
    return int(_number(convergence, "quorum", default, where, least=1, most=_MOST_VOICES))


def _section(config: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    value = config.get(name, {})
    if not isinstance(value, Mapping):
        raise bad_config(where, f"{name} is not an object")
    return value


def _number(
    section: Mapping[str, Any], name: str, default: float, where: str, *, least: float = 0.0, most: float = 1e6
) -> float:
    value = section.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise bad_config(where, f"{name} is {value!r}; write a number from {least:g} to {most:g}")
    return float(value)
