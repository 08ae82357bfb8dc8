"""HTML pages from the templates in `templates/`. Values are always shown as text, never interpreted as markup."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateNotFound
from markupsafe import Markup, escape

from ..errors import Missing
from . import assets
from .text import visible


def render(template: str, values: dict[str, Any]) -> str:
    """The page. Raises Missing (`assets-missing`)."""
    environment = _environment(os.path.join(assets.root(), "templates"))
    try:
        return environment.get_template(template).render(values)
    except (TemplateNotFound, OSError) as error:
        where = os.path.join(assets.root(), "templates", template)
        raise Missing("assets-missing", f"a template of the page can't be read: {error}", where=where) from error


def text(value: object) -> Markup:
    """A value as text of a page: escaped, with every character visible. None becomes empty; Markup is passed on."""
    if isinstance(value, Markup):
        return value
    return Markup("") if value is None else escape(visible(str(value)))


def verbatim(content: str, element: str) -> Markup:
    """okstra's own content of a `style` or `script` element, in which nothing is escaped.

    Raises ValueError when the content would end the element.
    """
    if f"</{element}" in content.lower() or "<!--" in content:
        raise ValueError(f"this would end the {element} element early")
    return Markup(content)


@lru_cache(maxsize=1)
def _environment(folder: str) -> Environment:
    """`finalize` sees every value that a template prints, before autoescape does: so it is the escape function."""
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=text,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["verbatim"] = verbatim
    return environment
