"""`okstra brief`: what it makes is taken by its own check and by a run; what is missing is told with its line."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from okstra_ctl.tasks.brief import SECTIONS, format_brief, languages, parse_brief
from support.okstra import Okstra, Project

_WHOLE = """# Sessions end

Users stay logged in after logout.

## Requirements
- logout ends the session

## Done when
`pytest tests/auth` is green

## Area
src/auth
"""


def rules(okstra: Okstra, path: Path | str) -> list[tuple[str, str, int]]:
    found = okstra("brief", "check", path, "--json").data["findings"]
    return [(one["rule"], one["severity"], one["line"]) for one in found]


def test_a_request_becomes_a_brief_that_a_run_takes(project: Project, tmp_path: Path) -> None:
    source = tmp_path / "request.md"
    source.write_text(_WHOLE)
    made = project.okstra.ok("brief", "new", "--from", source, "--task-key", project.task_key, "--json").data
    path = Path(made["path"])
    assert path == project.task_root / "brief.md"
    assert path.stat().st_mode & 0o777 == 0o600
    assert made["findings"] == []
    project.okstra.ok("brief", "check", project.task_key)
    (following,) = made["next"]
    ran = project.okstra.ok(*shlex.split(following)[1:], "--render-only", "--json")
    assert "Users stay logged in after logout." in Path(ran.data["launch_prompt"]).read_text()
    assert project.okstra.ok("brief", "show", project.task_key, "--json").data["title"] == "Sessions end"
    again = project.okstra("brief", "new", "--title", "Other", "--task-key", project.task_key, "--json")
    assert (again.status, again.codes) == (3, ["file-foreign"])
    assert "Sessions end" in path.read_text()


def test_without_a_place_it_is_printed_and_nothing_is_written(project: Project) -> None:
    before = sorted((project.repo.path / ".okstra").rglob("*"))
    printed = project.okstra.ok("brief", "new", "--title", "T", "--language", "ko")
    assert "## 요구 사항" in printed.stdout and "# T\n" in printed.stdout
    assert sorted((project.repo.path / ".okstra").rglob("*")) == before


def test_what_is_missing_is_told_with_its_line(okstra: Okstra, tmp_path: Path) -> None:
    path = tmp_path / "brief.md"
    path.write_text("# T\n\n## Request\n\n<!-- what -->\n\n## Requirements\n\nIt must be fast.\n")
    assert rules(okstra, path) == [
        ("section-missing", "warning", 1),
        ("section-missing", "error", 1),
        ("section-empty", "error", 3),
        ("requirements-unlisted", "warning", 7),
    ]
    checked = okstra("brief", "check", path)
    assert checked.status == 4
    assert f"{path}:3: section-empty error: `## Request` is empty" in checked.stdout
    path.write_text("---\ncategory: bugfix\n---\n" + _WHOLE.replace("\nUsers", "\n## Request\nUsers"))
    assert rules(okstra, path) == [("section-missing", "error", 1)], "a fault is to be reproduced"


def test_an_empty_brief_lacks_all_that_is_needed(okstra: Okstra, tmp_path: Path) -> None:
    path = tmp_path / "empty.md"
    path.write_text("")
    assert [rule for rule, severity, _ in rules(okstra, path) if severity == "error"] == ["title-missing"] + [
        "section-missing"
    ] * 3


@pytest.mark.parametrize("language", ["en", "ko"])
def test_headings_in_either_language_are_read(okstra: Okstra, tmp_path: Path, language: str) -> None:
    labels = languages()[language]
    path = tmp_path / "brief.md"
    path.write_text("# T\n" + "".join(f"\n## {labels[key].title.upper()}\n\n- x\n" for key in SECTIONS))
    assert rules(okstra, path) == []
    shown = okstra.ok("brief", "show", path, "--json").data
    assert [section["key"] for section in shown["sections"]] == list(SECTIONS)
    assert shown["language"] == language


def test_headings_in_code_are_no_sections(okstra: Okstra, tmp_path: Path) -> None:
    path = tmp_path / "brief.md"
    path.write_text(_WHOLE.replace("Users", "## Request\n\n```\n## Background\n# no title\n```\n\nUsers"))
    assert rules(okstra, path) == []
    keys = [section["key"] for section in okstra.ok("brief", "show", path, "--json").data["sections"]]
    assert keys == ["request", "requirements", "done", "area"]


def test_a_secret_is_taken_out_of_a_new_brief_and_named_in_an_old_one(okstra: Okstra, tmp_path: Path) -> None:
    key = "ghp_" + "a1B2" * 9
    path = tmp_path / "request.md"
    path.write_text(_WHOLE.replace("src/auth", f"src/auth, token {key}"))
    made = okstra.ok("brief", "new", "--from", path, "--output", tmp_path / "brief.md")
    assert "GitHub token" in made.stderr
    assert key not in (tmp_path / "brief.md").read_text() + made.stdout + made.stderr
    line = path.read_text().splitlines().index(f"src/auth, token {key}") + 1
    assert ("secret", "error", line) in rules(okstra, path)


def test_what_can_be_no_brief_is_refused(project: Project, tmp_path: Path) -> None:
    okstra = project.okstra
    (tmp_path / "file").write_text("")
    for args, code in (
        (("new",), "input-missing"),
        (("new", "--title", "a\x1b[2J"), "input-missing"),
        (("new", "--title", "T", "--task-key", "other:core:T-1"), "bad-identity"),
        (("new", "--title", "T", "--task-key", "demo:core"), "bad-identity"),
        (("new", "--title", "T", "--output", tmp_path / "file" / "brief.md"), "write-failed"),
        (("new", "--title", "T", "--task-key", "a:b:c", "--output", "x"), "usage"),
        (("check", "none.md"), "not-found"),
        (("check", "demo:core:NONE"), "not-found"),
        (("show", tmp_path), "state-unreadable"),
    ):
        assert okstra("brief", *args, "--json").codes == [code], args


def test_own_sections_and_order_survive() -> None:
    known = languages()
    text = "intro\n\n# T\n\nlead\n\n## Notes\nmine\n\n## Done when\nx\n\n## Request\ny\n"
    made = format_brief(parse_brief(text, known), known["en"])
    assert "mine" in made and made.index("## Request") < made.index("## Done when") < made.index("## Notes")
    assert "intro" in made and "lead" in made
    assert format_brief(parse_brief(made, known), known["en"]) == made
