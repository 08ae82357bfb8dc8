"""The errors and their codes, and that the source uses exactly these."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from okstra_ctl import errors
from okstra_ctl.errors import ERROR_CODES, OkstraError
from support.sealed import ROOT

_PACKAGE = ROOT / "python" / "okstra_ctl"
_CLASSES = {
    found.exit_status: found
    for found in vars(errors).values()
    if isinstance(found, type) and issubclass(found, OkstraError) and found is not OkstraError
}
# Codes that stand in the table for commands that are not written yet. Take one out when it is used.
_RESERVED: set[str] = set()


def _makes_of(name: str) -> type[OkstraError] | None:
    found = getattr(errors, name, None)
    return found if isinstance(found, type) and issubclass(found, OkstraError) else None


def _made_errors() -> Iterator[tuple[Path, int, str, str]]:
    """Every call of an error class in the source: where, the class, and its code where that is a literal."""
    for path in sorted(_PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and _makes_of(node.func.id):
                code = node.args[0] if node.args else None
                yield path, node.lineno, node.func.id, code.value if isinstance(code, ast.Constant) else ""


def _literals() -> set[str]:
    """Every text literal in the source outside the table; of the installer's, which is JavaScript, the error codes."""
    installer = {
        code
        for path in (ROOT / "src").glob("*.js")
        for code in re.findall(r"new OkstraError\(\s*'([^']+)'", path.read_text(encoding="utf-8"))
    }
    return installer | {
        node.value
        for path in _PACKAGE.rglob("*.py")
        if path != _PACKAGE / "errors.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


@pytest.mark.parametrize("code", ERROR_CODES)
def test_every_code_belongs_to_one_class(code: str) -> None:
    kind = _CLASSES[ERROR_CODES[code].exit_status]
    assert kind(code, "what").code == code
    for other in _CLASSES.values():
        if other is not kind:
            with pytest.raises(AssertionError, match=f"{code} does not belong to {other.__name__}"):
                other(code, "what")


def test_codes_are_kebab_case_words_with_a_meaning() -> None:
    for code, (_, meaning) in ERROR_CODES.items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code)
        assert len(meaning) > 10 and not meaning.endswith(".")


def test_exit_statuses_are_those_of_the_spec_one_class_each() -> None:
    assert {code.exit_status for code in ERROR_CODES.values()} == {1, 2, 3, 4, 65, 69, 70, 75, 130}
    assert set(_CLASSES) == {1, 2, 3, 4, 65, 69, 70, 75, 130}


def test_an_unknown_code_cant_be_raised() -> None:
    with pytest.raises(KeyError):
        OkstraError("no-such-code", "what")


def test_every_error_in_the_source_has_a_code_of_its_class() -> None:
    made = list(_made_errors())
    assert len(made) > 80
    for path, line, kind, code in made:
        if code:
            where = f"{path.relative_to(_PACKAGE)}:{line}"
            assert code in ERROR_CODES, where
            found = _makes_of(kind)
            assert found is not None and ERROR_CODES[code].exit_status == found.exit_status, where


def test_every_code_in_the_table_is_used() -> None:
    used = {code for *_, code in _made_errors()} | _literals()
    assert set(ERROR_CODES) - used - _RESERVED == set()
    assert _RESERVED & used == set()
    assert set(ERROR_CODES) >= _RESERVED


def test_an_error_as_a_record() -> None:
    error = errors.Refused("stage-done", "what", where="here", hint="do", data={"a": 1})
    assert error.as_record() == {"code": "stage-done", "message": "what", "where": "here", "try": "do"}
    assert (str(error), error.data, error.exit_status) == ("what", {"a": 1}, 3)
    assert errors.Busy("busy", "what").as_record() == {"code": "busy", "message": "what", "where": "", "try": ""}
