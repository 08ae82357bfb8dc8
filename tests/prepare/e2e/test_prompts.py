"""Every prompt that a run writes: whole, anchored, short, and right about how its worker delivers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.okstra import Project
from support.phases import TASK_TYPES
from support.plans import independent

# A prompt is read by a model at every dispatch. Paths are not the prompt's to shorten, so they don't count.
BUDGET = 4600
ANCHORS = ("Model", "Result path", "Audit path", "Error log path", "Project root", "Worktree", "Required reading")
PHASES_WITH_AGENTS = [phase for phase in TASK_TYPES if phase not in ("release-handoff", "review")]
PATH = re.compile(r"/[^`\s]{12,}")


def prompts_of(project: Project, phase: str, *more: str) -> dict[str, str]:
    if phase == "implementation":
        project.adopt(independent(1))
    ended = project.run_phase(phase, *more)
    assert ended.status == 0, ended
    return _prompts_in(Path(ended.data["run_dir"]), phase)


def _prompts_in(run: Path, phase: str) -> dict[str, str]:
    folder = run / "prompts"
    return {path.name.split(f"-prompt-{phase}")[0]: path.read_text() for path in folder.glob("*.md")}


@pytest.mark.parametrize("phase", PHASES_WITH_AGENTS)
def test_prompts_are_whole_anchored_and_short(project: Project, phase: str) -> None:
    _check_prompts(prompts_of(project, phase))


def _check_prompts(prompts: dict[str, str]) -> None:
    assert len(prompts) >= 3
    for name, text in prompts.items():
        assert re.findall(r"\{\{|\}\}", text) == [], name
        assert len(PATH.sub("/p", text).encode()) <= BUDGET, name
        if not name.startswith("launch-"):
            assert [anchor for anchor in ANCHORS if f"**{anchor}:**" not in text] == [], name


@pytest.mark.parametrize("phase", PHASES_WITH_AGENTS)
def test_every_phase_assumes_that_people_hold_every_permission(project: Project, phase: str) -> None:
    prompts_of(project, phase)
    (profile,) = project.task_root.glob("instruction-set/profile.md")
    assert profile.read_text(encoding="utf-8").count("hold every permission") == 1


@pytest.mark.parametrize("phase", PHASES_WITH_AGENTS)
def test_the_launch_prompt_names_every_worker(project: Project, phase: str) -> None:
    prompts = prompts_of(project, phase)
    (launch,) = [text for name, text in prompts.items() if name.startswith("launch-")]
    assert [name for name in prompts if not name.startswith("launch-") and f"| {name} |" not in launch] == []


def test_the_prompts_of_a_review_are_as_those_of_a_phase(project: Project) -> None:
    project.repo.commit({"a.py": "x = 1\n"})
    ended = project.okstra.ok("review", "HEAD~1", "--provider", "rehearsal", "--yes", "--json")
    run = Path(ended.data["run_dir"])
    prompts = _prompts_in(run, "review")
    _check_prompts(prompts)
    (launch,) = [text for name, text in prompts.items() if name.startswith("launch-")]
    assert [name for name in prompts if not name.startswith("launch-") and f"| {name} |" not in launch] == []
    profile = (run.parents[1] / "instruction-set" / "profile.md").read_text(encoding="utf-8")
    assert profile.count("hold every permission") == 1


def test_a_worker_that_can_not_write_files_is_told_to_answer_by_message(project: Project) -> None:
    prompts = prompts_of(project, "error-analysis", "--workers", "claude,codex,gemini")
    by_message = {name for name, text in prompts.items() if "Your closing message **is** the result" in text}
    assert by_message == {"codex", "gemini"}
    assert "okstra check result" in prompts["claude"]
    assert "okstra check result" not in prompts["codex"]


def test_an_executor_of_codex_writes_its_result_itself(project: Project) -> None:
    prompts = prompts_of(project, "implementation", "--executor", "codex")
    assert "okstra check result" in prompts["codex-executor"]


def test_verdicts_are_asked_for_where_the_phase_wants_them(project: Project) -> None:
    verdict = re.compile(r"verdict: <([^>]*)>")
    found = verdict.search(prompts_of(project, "final-verification")["claude"])
    assert found is not None
    assert found[1] == "accepted or conditional-accept or blocked"
    assert verdict.search(prompts_of(project, "error-analysis")["claude"]) is None


def test_the_language_is_named_in_words(project: Project) -> None:
    assert "in Korean" in prompts_of(project, "error-analysis", "--report-language", "ko")["claude"]


def test_a_brief_is_in_the_launch_prompt_and_in_the_required_reading(project: Project, tmp_path: Path) -> None:
    brief = tmp_path / "brief.md"
    brief.write_text("Sessions outlive {{LOGOUT}}.\n")
    prompts = prompts_of(project, "error-analysis", "--task-brief", str(brief))
    (launch,) = [text for name, text in prompts.items() if name.startswith("launch-")]
    assert "Sessions outlive {{LOGOUT}}." in launch
    assert (project.task_root / "instruction-set" / "brief.md").read_text() == "Sessions outlive {{LOGOUT}}.\n"
