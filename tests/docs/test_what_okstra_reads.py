"""The reference and the page of formats name every variable, setting and file that the code knows, and no other."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from okstra_ctl.help_texts import ENVIRONMENT, SET_FOR_OTHERS
from okstra_ctl.settings.config import settings_of
from okstra_ctl.system import assets
from support.sealed import ROOT

_VARIABLE = re.compile(r"\bOKSTRA_[A-Z][A-Z_]*\b(?<!_)")
_NO_VARIABLES = {
    "OKSTRA_DIR",  # the name of a constant of the code
    "OKSTRA_VERSION",  # a placeholder of skills
}
_SOURCES = [
    *(ROOT / "python" / "okstra_ctl").rglob("*.py"),
    *(path for folder in ("bin", "lib", "src", "validators") for path in (ROOT / folder).rglob("*") if path.is_file()),
]


def _in_table(rows: object) -> set[str]:
    assert isinstance(rows, dict)
    return {name for names in rows for name in names.split(", ") if name.startswith("OKSTRA_")}


def _named() -> set[str]:
    """Every variable that the code names, and those that it puts together of `OKSTRA_` and a name."""
    pages = {ROOT / "python/okstra_ctl/help_texts.py", ROOT / "python/okstra_ctl/reference.py"}
    texts = {
        path: path.read_text("utf-8", "replace") for path in _SOURCES if path.suffix != ".pyc" and path not in pages
    }
    named = {name for text in texts.values() for name in _VARIABLE.findall(text)} - _NO_VARIABLES
    dispatch = texts[ROOT / "python/okstra_ctl/lead/dispatch.py"]
    facts = dispatch.partition("def _facts(")[2].partition('return {f"OKSTRA_{name}"')[0]
    assert facts, "the facts of a dispatch are found nowhere"
    named |= {f"OKSTRA_{name}" for name in re.findall(r'^\s+"([A-Z_]+)":', facts, re.M)}
    given = " ".join(found for text in texts.values() for found in re.findall(r"\bfacts ?= ?\{([^}]*)\}", text))
    return named | {f"OKSTRA_{name}" for name in re.findall(r'"([A-Z]+)":', given)}


def test_the_reference_names_every_variable_that_the_code_names_and_no_other() -> None:
    slots = {name for name in _named() if name.startswith("OKSTRA_DEFAULT_")}
    known = {name for name in _in_table(ENVIRONMENT) if "<" not in name} | _in_table(SET_FOR_OTHERS)
    assert slots == {"OKSTRA_DEFAULT_REPORT_WRITER_MODEL"} and "OKSTRA_DEFAULT_<SLOT>_MODEL" in ENVIRONMENT
    assert _named() - slots == known
    page = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    assert [name for name in known if f"`{name}`" not in page] == []


@pytest.mark.parametrize("schema", ["config", "project"])
def test_the_reference_names_every_setting_that_the_schema_takes(schema: str) -> None:
    page = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    assert [one.key for one in settings_of(assets.schema(schema)) if f"| `{one.key}` |" not in page] == []


@pytest.mark.parametrize("source", ["home_paths.py", "paths.py"])
def test_the_page_of_formats_names_every_file_that_the_code_has_a_path_for(source: str) -> None:
    text = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    names = _file_names(ROOT / "python" / "okstra_ctl" / source)
    assert len(names) > 15
    locks = {name for name in names if name.endswith(".lock") or name == ".locks"}  # one sentence says it of all
    assert [name for name in sorted(names - locks) if name not in text] == []


def _file_names(source: Path) -> set[str]:
    """The words that stand in calls of `os.path.join`, up to the first placeholder of each."""
    calls = [node for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.Call)]
    joins = [call for call in calls if ast.unparse(call.func) == "os.path.join"]
    words = [ast.unparse(argument) for call in joins for argument in call.args]
    literal = [word[word.index("'") + 1 : -1] for word in words if word.startswith(("'", "f'"))]
    return {name for word in literal if len(name := word.partition("{")[0].rstrip("-")) > 1}
