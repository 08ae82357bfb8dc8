"""Filling the templates in `prompts/` and `templates/`, for prepared and for later prompts alike.

`{{NAME}}` is a value; a line `{{> file.md}}` includes another template of `prompts/`.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import Missing
from ..settings.roster import Worker, access_of, delivers_by_message
from ..status import Access
from ..system import assets
from ..system.text import UnknownPlaceholder, fill

_INCLUDE, _END = "{{> ", ".md}}"
_IN_A_NAME = frozenset("abcdefghijklmnopqrstuvwxyz/-")
_DEEPEST = 3


def fill_file(name: str, values: Mapping[str, str], *, folder: str = "prompts") -> str:
    """A template file, filled. Raises Missing (`assets-missing`) for a missing file or value."""
    text = _expand(assets.text(folder, *name.split("/")), _DEEPEST)
    try:
        return fill(text, values)
    except UnknownPlaceholder as missing:
        raise Missing("assets-missing", f"{name} asks for {missing}, which no run has", where=name) from missing


def worker_prompt(values: Mapping[str, str], worker: Worker, part: str, result: str) -> str:
    """A worker's whole prompt: the anchor lines, then its part (`prompts/roles/<part>.md`).

    `values` are those of the run's context and of the part; `result` is the path of the worker's result.
    """
    own = {
        **values,
        "WORKER_ID": worker.id,
        "WORKER_ROLE": worker.role,
        "WORKER_PROVIDER": worker.provider,
        "WORKER_MODEL": worker.model,
        "WORKER_RESULT_PATH": result,
    }
    form = "json-" if part == "report-writer" else ""
    access = access_of(worker.role)
    by_message = delivers_by_message(worker.provider, access)
    how = ("message" if access is Access.READ else "closing") if by_message else "file"
    own["DELIVERY"] = fill_file(f"includes/delivery-{form}{how}.md", own).rstrip()
    preamble = fill_file("worker-prompt-preamble.md", own, folder="templates")
    return f"{preamble.rstrip()}\n\n{fill_file(f'roles/{part}.md', own).rstrip()}\n"


def stance(*, adversarial: bool) -> str:
    return fill_file(f"includes/stance-{'adversarial' if adversarial else 'plain'}.md", {}).strip()


def _expand(text: str, depth: int) -> str:
    if depth == 0:
        raise Missing("assets-missing", "templates include one another without end", where="prompts")
    if _INCLUDE not in text:
        return text
    return "\n".join(_included(line, depth) if _is_include(line) else line for line in text.split("\n"))


def _is_include(line: str) -> bool:
    name = line[len(_INCLUDE) : -len(_END)]
    return line.startswith(_INCLUDE) and line.endswith(_END) and name != "" and _IN_A_NAME.issuperset(name)


def _included(line: str, depth: int) -> str:
    name = line.removeprefix(_INCLUDE).removesuffix("}}")
    return _expand(assets.text("prompts", *name.split("/")), depth - 1).rstrip()
