"""What a worker, a brief or a repository may say does nothing but show as text (issue of trust)."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.okstra import Project
from support.rehearsal import finding, install, led, part, report_of, result

KEY = "sk-" + "ant-api03-" + "abcdEFGH0123456789xyz"


def everything(project: Project) -> dict[str, bytes]:
    folder = project.repo.path / ".okstra"
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_key_in_a_brief_a_result_and_a_log_is_kept_nowhere(project: Project, tmp_path: Path) -> None:
    brief = tmp_path / "brief.md"
    brief.write_text(f"Our key is {KEY}.\n")
    said = {"say": f"using {KEY}"}
    leaking = result(finding("high", f"It leaks {KEY}", f"README.md:1 `{KEY}`"))
    install(project, part(said, {"result": leaking}, worker="rehearsal-a", round=""))
    ended = led(project, "error-analysis", "--task-brief", str(brief))
    assert ended.status == 0, ended
    script = str(project.repo.path / ".okstra" / "script.toml")
    assert [path for path, data in everything(project).items() if KEY.encode() in data and path != script] == []
    (row,) = [row for row in report_of(ended)["checked"] if row["what"] == "secrets"]
    assert "Anthropic key" in row["result"]
    assert report_of(ended)["findings"][0]["evidence"][0]["status"] == "unchecked"


HOSTILE = [
    "<script>alert(1)</script>",
    "$(touch {mark})",
    "`touch {mark}`",
    "; touch {mark} #",
    "\x1b]0;owned\x07\x1b[2J",
    "{{{{TASK_KEY}}}} {{{{> roles/analyst.md}}}}",
    "| a | b |\\n|---|",
    "../../../../{mark}",
    "\u202e reversed",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_a_finding_only_shows(project: Project, tmp_path: Path, text: str) -> None:
    mark = tmp_path / "mark"
    text = text.format(mark=mark)
    title = text.replace("{{", "{ {").replace("}}", "} }")  # the script fills its own placeholders, and only those
    found = result(finding("low", f"Title {title}", "README.md:1"))
    install(project, part({"result": found}, worker="rehearsal-a", round=""))
    ended = led(project, "error-analysis")
    assert ended.status == 0, ended
    assert not mark.exists()
    assert "\x1b" not in ended.stderr
    assert len(report_of(ended)["findings"]) == 1


@pytest.mark.parametrize("text", ["$(touch {mark})", "{{{{WORKTREE_PATH}}}}", "\x1b[2J", "-rf", "--force"])
def test_hostile_text_in_a_brief_and_a_directive_is_only_quoted(project: Project, tmp_path: Path, text: str) -> None:
    mark = tmp_path / "mark"
    text = text.format(mark=mark)
    brief = tmp_path / "brief.md"
    brief.write_text(text)
    ended = led(project, "error-analysis", "--task-brief", str(brief), f"--directive={text}")
    assert ended.status == 0, ended
    assert not mark.exists()
    (prompt,) = Path(ended.data["run_dir"]).glob("prompts/rehearsal-a-prompt-*.md")
    assert text in prompt.read_text()
    assert "\x1b" not in ended.stderr
