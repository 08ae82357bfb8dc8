"""Fills `{{NAME}}` placeholders. A name without a value is an error: a prompt never goes out half filled."""

from __future__ import annotations

import re

from ..words.hints import Mapping

_PLACEHOLDER = re.compile(r"\{\{([A-Z][A-Z0-9_]*)\}\}")


class UnknownPlaceholder(ValueError):
    """The template asks for a name that has no value."""


def fill(template: str, values: Mapping[str, str]) -> str:
    """One pass: what a value holds is text, also when it looks like a placeholder. Raises UnknownPlaceholder."""

    def value_of(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise UnknownPlaceholder(match[1])
        return values[match[1]]

    return _PLACEHOLDER.sub(value_of, template)


def placeholders(template: str) -> set[str]:
    """The names that a template asks for."""
    return set(_PLACEHOLDER.findall(template))
