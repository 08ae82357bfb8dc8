"""What the documentation shows of providers and scripts is what okstra takes."""

from __future__ import annotations

import json
import re

from okstra_ctl.agents.providers import PLACEHOLDERS, provider_settings
from okstra_ctl.agents.rehearsal_script import FAULTS, parse_script
from okstra_ctl.system import assets
from support.sealed import ROOT

HOW_TO = (ROOT / "docs" / "how-to" / "add-a-provider.md").read_text(encoding="utf-8")
FORMATS = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")


def blocks(text: str, kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)


def test_the_settings_that_are_shown_are_taken() -> None:
    shown = [json.loads(block) for block in blocks(HOW_TO, "json")]
    assert len(shown) >= 2
    for document in shown:
        assert provider_settings(document, {}, project_root="/p")


def test_every_placeholder_of_a_command_is_told() -> None:
    assert [name for name in PLACEHOLDERS if f"`{{{{{name}}}}}`" not in HOW_TO] == []


def test_the_script_that_is_shown_is_taken_and_every_step_and_fault_is_told() -> None:
    (script,) = blocks(FORMATS, "toml")
    parts = parse_script(assets.parse_toml(script), where="docs/formats.md")
    assert [len(part.steps) for part in parts] == [8, 1]
    told = FORMATS.split("### The rehearsal's script")[1].split("\n### ")[0]
    kinds = ("edit", "write", "run", "commit", "result", "audit", "report", "say", "wait", "fault", *FAULTS)
    assert [kind for kind in kinds if f"`{kind}`" not in told] == []
