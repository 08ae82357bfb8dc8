"""Commands that agents call dozens of times a run load none of the slow modules (spec 2, spec 7)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support.okstra import Project
from support.rehearsal import answers, finding, install, led, part, result
from support.sealed import ROOT

_SLOW = {
    "argcomplete",
    "fasteners",
    "jinja2",
    "markdown_it",
    "jsonschema",
    "plumbum",
    "prompt_toolkit",
    "questionary",
    "rich",
    "dataclasses",
    "logging",
    "tomllib",
    "tomli",
    "asyncio",
    "inspect",
    "site",
    "typing",
    "argparse",
    "json",
    "subprocess",
    "importlib",
}
_THIRD_PARTY = {"argcomplete", "fasteners", "jinja2", "markdown_it", "jsonschema", "plumbum", "prompt_toolkit", "site"}
# What the slow modules of the standard library are made of, and a start need not be.
_ALSO_SLOW = {"collections", "contextlib", "enum", "functools", "re", "signal", "threading", "types", "unicodedata"}
_CALL = f"""
import sys
before = set(sys.modules)
sys.path.insert(0, {str(ROOT / "python")!r})
from okstra_ctl.__main__ import main
status = main()
sys.stdout.flush()
print("\\n---", status, *sorted(set(sys.modules) - before))
"""


def _loaded(project: Project, *args: str) -> set[str]:
    """The modules that a command imports beyond those of the interpreter's own start, begun as the doors begin it."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _CALL, *args],
        cwd=project.repo.path,
        env=project.okstra.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    status, *modules = done.stdout.rpartition("\n--- ")[2].split()
    assert status == "0", done.stdout
    return set(modules)


def _slow(loaded: set[str], slow: set[str]) -> set[str]:
    assert "okstra_ctl.ui.cli" in loaded
    return {name.split(".")[0] for name in loaded} & slow


def test_light_commands_load_nothing_slow(project: Project) -> None:
    plan = project.adopt({1: (), 2: (1,)})
    project.run_stage()
    run = project.run_phase("error-analysis").data["run_id"]
    for command in (
        ("--version",),
        ("list",),
        ("list", "--json"),
        ("status",),
        ("projects",),
        ("stage", "list", "--plan", plan),
        ("worktree", "list"),
        ("worktree", "lookup", project.task_key),
        ("paths",),
        ("paths", run),
        ("show", run),
        ("error-log",),
        ("error-log", run),
    ):
        assert _slow(_loaded(project, *command), _SLOW | _ALSO_SLOW) == set(), command
    assert _slow(_loaded(project, "memory", "list"), _SLOW) == set()
    for command in (("usage",), ("usage", run)):
        assert _slow(_loaded(project, *command), _THIRD_PARTY) == set(), command


def test_a_start_loads_no_third_party_package(project: Project) -> None:
    project.adopt({1: (), 2: ()})
    project.run_stage()
    assert _slow(_loaded(project, *project.run_args()), _THIRD_PARTY) == set()


def test_checking_a_result_loads_nothing_slow(project: Project) -> None:
    """Workers call it while they write."""
    found = part({"result": result(finding("low", "It is so"))}, worker="rehearsal-a", round="")
    install(project, found, part({"result": answers(G_001="AGREE")}, worker="rehearsal-b", round="1"))
    ended = led(project, "error-analysis")
    assert ended.status == 0, ended
    results = Path(ended.data["run_dir"]) / "worker-results"
    for name in ("rehearsal-a-worker", "rehearsal-b-worker", "rehearsal-b-round-1"):
        loaded = _loaded(project, "check", "result", str(results / f"{name}-error-analysis-001.md"))
        assert "okstra_ctl.flows.result_check" in loaded
        assert _slow(loaded, _THIRD_PARTY) == set(), name


def test_what_draws_at_a_terminal_is_not_loaded_for_a_pipe(project: Project) -> None:
    project.run_phase("error-analysis")
    for command in (("list",), ("status",), ("board",), ("board", "--json")):
        assert _slow(_loaded(project, *command), {"rich", "prompt_toolkit"}) == set(), command


def test_a_slow_module_would_be_seen(project: Project) -> None:
    """A plan that no command has checked yet has to be parsed: that one loads the markdown parser."""
    plan = project.adopt({1: ()})
    assert {"markdown_it", "site"} <= _loaded(project, "plan", "check", plan)
