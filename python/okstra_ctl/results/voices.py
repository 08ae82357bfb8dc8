"""Voices: how many model families have answered, and how independent that makes their answers.

Pure rules (docs/design/leading.md). A family is named by its models (`claude`, `gpt`), whoever serves them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

UNKNOWN = "unknown"
_FAMILIES = {
    "claude": r"claude|sonnet|opus|haiku|fable|anthropic",
    "gpt": r"gpt|codex|openai|(?<![a-z0-9])o[1-9](?![a-z0-9])",
    "gemini": r"gemini|gemma|google",
    "llama": r"llama",
    "mistral": r"[a-z]+stral(?![a-z])|mixtral",
    "qwen": r"qwen|qwq",
    "deepseek": r"deepseek",
    "kimi": r"kimi|moonshot",
    "glm": r"glm|zhipu",
    "grok": r"grok|(?<![a-z])xai(?![a-z])",
    "minimax": r"minimax",
    "phi": r"(?<![a-z])phi-?[1-9]",
    "command": r"command-[ar](?![a-z])",
    "nova": r"(?<![a-z])nova-",
    "granite": r"granite",
}
_PATTERNS = {family: re.compile(pattern) for family, pattern in _FAMILIES.items()}
# How errors of two models go together, as published (docs/trust.md): of other families, and of one.
ACROSS, WITHIN = 0.35, 0.62


class Speaker(NamedTuple):
    """Somebody who answered."""

    family: str = ""
    """Of the model that answered; empty where it is not known."""
    command: tuple[str, ...] = ()
    """The command line and model of a person's own provider."""
    model: str = ""
    """The model that answered, as its client reports it; empty where it does not."""
    asked: str = ""
    """The model that was asked for, where nothing else is known: it makes nobody another voice, but may show that
    somebody is one that was heard already."""


def family_of(model: str) -> str:
    """The family that a model's name (or the name of a family, a client, a vendor) belongs to; empty for an unknown
    one. What a gateway puts before the name does not count, unless there is nothing else."""
    folded = model.casefold()
    for name in (folded.rpartition("/")[2], folded):
        found = [(match.start(), family) for family, one in _PATTERNS.items() if (match := one.search(name))]
        if found:
            return min(found)[1]
    return ""


def voices(speakers: Mapping[str, Speaker]) -> dict[str, str]:
    """By speaker, its voice. Those of one family are one voice; so are all whose family is unknown, and those that
    are the same command line with the same model, or report one model, whatever families they claim. Whoever
    reports nothing is the voice of the model that was asked for, if that was heard."""
    named = {name: speaker.family or UNKNOWN for name, speaker in speakers.items()}
    heard = set(named.values())
    named.update({name: one for name, speaker in speakers.items() if (one := family_of(speaker.asked)) in heard})
    alike: dict[tuple[str, ...], list[str]] = {}
    for name, speaker in speakers.items():
        for mark in filter(None, (speaker.command, _model_mark(speaker.model or speaker.asked))):
            alike.setdefault(mark, []).append(name)
    for mark in sorted(alike):
        own = alike[mark]
        claimed = {named[name] for name in own} - {UNKNOWN}
        if claimed:
            named.update(dict.fromkeys(own, min(claimed)))
            named = {name: min(claimed) if voice in claimed else voice for name, voice in named.items()}
    return named


def _model_mark(model: str) -> tuple[str, ...]:
    """The same for one model behind whatever gateways."""
    return ("", model.casefold().rpartition("/")[2]) if model else ()


def worth(heard: Collection[str]) -> float:
    """How many independent voices the voices of these speakers are worth; one of each family: 1, 1.5, 1.8."""
    if not heard:
        return 0.0
    pairs = [(one, other) for place, one in enumerate(sorted(heard)) for other in sorted(heard)[place + 1 :]]
    shared = sum(WITHIN if one == other else ACROSS for one, other in pairs)
    return len(heard) ** 2 / (len(heard) + 2 * shared)
