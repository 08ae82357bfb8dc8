"""Sections and entries of what a worker wrote; a fenced block is kept as it stands, and nothing in it is a heading."""

from __future__ import annotations

import pytest

from okstra_ctl.results.parse import read_document


@pytest.mark.parametrize("fence", ["```", "```python", "~~~", "````", "~~~ text `x`"])
def test_a_fenced_block_is_kept_whole(fence: str) -> None:
    end = "````" if fence == "````" else fence[:3]
    block = f"{fence}\n## no section\n### no entry\n{end}"
    document = read_document(f"## 1. Notes\nbefore\n{block}\nafter\n## 2. Rest\nx\n")
    assert [section.heading for section in document.sections] == ["1. Notes", "2. Rest"]
    assert document.sections[0].text.strip() == f"before\n{block}\nafter"
    assert document.sections[0].entries == ()


def test_backticks_within_a_line_open_no_block() -> None:
    document = read_document("## 1. Notes\n```not `a` fence```\n## 2. Rest\nx\n")
    assert [section.heading for section in document.sections] == ["1. Notes", "2. Rest"]
