"""How okstra is started: closed or full streams, few descriptors, a folder that is gone, a locale that is not UTF-8."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.okstra import Okstra, Project
from support.plans import independent
from support.projects import registered
from support.repos import Repo
from support.sealed import ROOT

OKSTRA = str(ROOT / "bin" / "okstra")
NO_FULL_DEVICE = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")


def restore_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def shell(project: Project, script: str, before: Callable[[], None] | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a line of bash in the project, in which `$okstra` is the command."""
    return subprocess.run(
        ["bash", "-c", script],
        cwd=project.repo.path,
        env={**project.okstra.environment, "okstra": OKSTRA},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        preexec_fn=before,
        timeout=60,
    )


@NO_FULL_DEVICE
@pytest.mark.parametrize("flags", ["", "--json"])
def test_output_that_can_not_be_written_is_an_error_of_its_own(project: Project, flags: str) -> None:
    ended = shell(project, f'"$okstra" list {flags} >/dev/full')
    assert ended.returncode == 1
    assert ended.stderr.startswith("okstra: error: standard output can't be written (No space left on device)")
    assert "Traceback" not in ended.stderr


@NO_FULL_DEVICE
def test_an_error_whose_json_can_not_be_written_still_ends_without_a_traceback(project: Project) -> None:
    ended = shell(project, '"$okstra" show no:such:run/error-analysis/001 --json >/dev/full')
    assert ended.returncode == 1
    assert "standard output can't be written" in ended.stderr
    assert "Traceback" not in ended.stderr and "bug in okstra" not in ended.stderr


@NO_FULL_DEVICE
def test_words_for_people_that_can_not_be_written_change_nothing(project: Project) -> None:
    assert shell(project, '"$okstra" show no:such:run/error-analysis/001 2>/dev/full').returncode == 2


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_with_closed_streams_a_run_is_prepared_and_no_file_takes_their_place(project: Project, closed: str) -> None:
    (project.repo.path / "brief.md").write_text("Find the cause.\n")
    flags = f"--task-key {project.task_key} --task-type error-analysis --task-brief brief.md --render-only --yes"
    ended = shell(project, f'"$okstra" run {flags} {closed}')
    assert ended.returncode == 0, ended
    shown = project.okstra.ok("list", "--json").data["runs"]
    assert [run["run_id"] for run in shown] == [f"{project.task_key}/error-analysis/001"]
    assert project.registry["schema"].startswith("worktree-registry/")  # still one JSON document


def test_a_closed_output_is_no_error(project: Project) -> None:
    ended = shell(project, '"$okstra" list --all >&-')
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("most", [24, 40])
def test_few_descriptors_suffice_though_the_caller_left_one_open_above_them(project: Project, most: int) -> None:
    (project.repo.path / "brief.md").write_text("Find the cause.\n")
    flags = f"--task-key {project.task_key} --task-type error-analysis --task-brief brief.md --render-only --yes"
    ended = shell(project, f'exec 201>/dev/null; ulimit -n {most}; "$okstra" run {flags}')
    assert ended.returncode == 0, ended


def test_too_few_descriptors_are_named_as_the_cause(project: Project) -> None:
    project.adopt(independent(1))
    endings = set()
    for most in range(4, 20):
        ended = shell(project, f'ulimit -n {most}; "$okstra" {" ".join(project.run_args())}')
        assert "Traceback" not in ended.stderr and "bug in okstra" not in ended.stderr, (most, ended)
        endings.add(ended.returncode)
    assert 1 in endings, endings


def test_an_extra_descriptor_reaches_no_program_that_okstra_starts(project: Project, tmp_path: Path) -> None:
    """A process that goes on behind okstra would keep the reader of that descriptor waiting for ever."""
    ended = shell(project, f'"$okstra" doctor 255>"{tmp_path}/left-open" >/dev/null; true')
    assert ended.returncode == 0, ended


@pytest.mark.parametrize(
    "call", [["list"], ["gc"], ["run", "--task-key", "a:b:c"], ["doctor"], ["install", "--dry-run"]]
)
def test_a_folder_that_is_gone_is_named(project: Project, call: list[str]) -> None:
    words = " ".join(call)
    ended = shell(project, f'mkdir gone && cd gone && rmdir ../gone; "$okstra" {words} --json')
    assert ended.returncode == 69, ended
    assert '"code": "folder-gone"' in ended.stdout
    assert "does not exist any more" in ended.stderr


def test_a_python_that_is_started_in_a_folder_that_is_gone_says_so(project: Project) -> None:
    script = (
        f'mkdir gone && cd gone && rmdir ../gone; "{sys.executable}" -I -S "{ROOT}/python/okstra_ctl/__main__.py" list'
    )
    ended = shell(project, script)
    assert ended.returncode == 69, ended
    assert "does not exist any more" in ended.stderr


@pytest.mark.parametrize("call", [["list"], ["gc"], ["run", "--help"], ["no-such-command"]])
def test_ctrl_c_at_any_moment_of_the_start_leaves_no_traceback(project: Project, call: list[str]) -> None:
    endings = []
    for number in range(24):
        process = subprocess.Popen(
            [OKSTRA, *call],
            cwd=project.repo.path,
            env=project.okstra.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=restore_interrupt,  # noqa: PLW1509
        )
        time.sleep(number * 0.003)
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=30)
        assert "Traceback" not in complaint and "Python" not in complaint, (number, complaint)
        # -2: struck while bash starts, which a shell reports as 130 too; 0 and 2: it had ended
        assert process.returncode in (130, -signal.SIGINT, 0, 2), (number, process.returncode, complaint)
        endings.append(process.returncode)
    assert {130, -signal.SIGINT} & set(endings), endings


def interrupt_when_it_is_heard() -> None:
    """Leaves an interrupt that comes the moment the program lets it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    os.kill(os.getpid(), signal.SIGINT)


def test_an_interrupt_between_start_and_command_leaves_no_traceback(project: Project) -> None:
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-X", "utf8", str(ROOT / "python" / "okstra_ctl" / "__main__.py"), "list"],
        cwd=project.repo.path,
        env=project.okstra.environment,
        capture_output=True,
        text=True,
        preexec_fn=interrupt_when_it_is_heard,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (130, "")


@pytest.fixture(scope="session")
def locales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with locales whose encodings are not UTF-8, made for this test."""
    folder = tmp_path_factory.mktemp("locales")
    localedef = shutil.which("localedef")
    if localedef is None:
        pytest.skip("no localedef here")
    for name, source, encoding in (
        ("ko_KR.EUC-KR", "ko_KR", "EUC-KR"),
        ("en_US.ISO-8859-1", "en_US", "ISO-8859-1"),
    ):
        made = subprocess.run(
            [localedef, "-i", source, "-f", encoding, str(folder / name)], capture_output=True, text=True
        )
        if not (folder / name).is_dir():
            pytest.skip(f"localedef can't make {name}: {made.stderr.strip()[-200:]}")
    return folder


@pytest.mark.parametrize("locale", ["ko_KR.EUC-KR", "en_US.ISO-8859-1", "C", "POSIX"])
def test_hangul_paths_and_ids_work_in_any_locale(
    locale: str, locales: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    environment |= {"LC_ALL": locale, "LANG": locale, "LOCPATH": str(locales)}
    folder = tmp_path / "한글 저장소"
    project = registered(Repo.init(folder, environment), environment)
    (folder / "요청.md").write_text("원인을 찾아라.\n", encoding="utf-8")
    prepared = project.okstra.ok(
        "run", "--task-group", "그룹", "--task-id", "할일", "--task-type", "error-analysis",
        "--task-brief", "요청.md", "--render-only", "--json",
    )  # fmt: skip
    prompt = Path(prepared.data["launch_prompt"])
    assert prompt.is_file() and "한글 저장소" in str(prompt)
    assert project.okstra.ok("list", "--json").data["runs"][0]["run_id"] == "demo:그룹:할일/error-analysis/001"
    assert "할일" in project.okstra.ok("list").stdout
    assert os.path.isdir(prepared.data["worktree"]["path"])


def test_the_command_that_pip_installs_works_in_a_locale_that_is_not_utf8(
    locales: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    folder = tmp_path / "한글"
    registered(Repo.init(folder, environment), environment)
    command = Path(sys.executable).with_name("okstra")
    if not command.exists():
        pytest.skip("okstra is not installed beside this Python")
    ended = subprocess.run(
        [command, "check-project", "--json"],
        cwd=folder,
        env={**environment, "LC_ALL": "ko_KR.EUC-KR", "LOCPATH": str(locales)},
        capture_output=True,
    )
    assert ended.returncode == 0, ended
    assert "한글" in ended.stdout.decode("utf-8")


@pytest.mark.parametrize("door", ["okstra", "okstra-ctl"])
def test_help_of_a_command_is_asked_for_in_either_order(okstra: Okstra, door: str) -> None:
    def shown(*words: str) -> subprocess.CompletedProcess[str]:
        argv = [str(ROOT / "bin" / door), *words]
        return subprocess.run(argv, cwd=okstra.cwd, env=okstra.environment, capture_output=True, text=True, timeout=60)

    asked = shown("help", "stage", "list")
    assert (asked.returncode, asked.stderr, asked.stdout[:24]) == (0, "", "usage: okstra stage list")
    assert asked.stdout == shown("stage", "list", "--help").stdout
    assert shown("help", "--json").stdout == shown("--help", "--json").stdout
    assert "there is no command 'stag'" in shown("help", "stag").stderr
