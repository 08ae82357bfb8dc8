"""HTML pages from the templates in `templates/`. Values are always shown as text, never interpreted as markup."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined, TemplateNotFound
from markupsafe import Markup, escape

from ..errors import Missing
from . import assets
from .text import visible

if TYPE_CHECKING:
    from jinja2.bccache import Bucket


def render(template: str, values: dict[str, Any]) -> str:
    """The page. Raises Missing (`assets-missing`)."""
    environment = environment_of(os.path.join(assets.root(), "templates"))
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


class _Compiled(FileSystemBytecodeCache):
    """Compiled templates in a folder of the person's."""

    def dump_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):  # a page does not fail because its template can't be kept
            super().dump_bytecode(bucket)


@lru_cache(maxsize=1)
def environment_of(folder: str) -> Environment:
    """The templates of that folder, set up for pages.

    `finalize` sees every value that a template prints, before autoescape does: so it is the escape function.
    """
    compiled = os.environ.get("OKSTRA_TEMPLATE_CACHE", "")
    environment = Environment(
        bytecode_cache=_Compiled(compiled) if os.path.isdir(compiled) else None,
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
