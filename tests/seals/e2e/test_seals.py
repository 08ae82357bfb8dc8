"""What a run left is sealed when it ends; later changes are found, and okstra's own don't count as such."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from okstra_ctl.names import RunId
from okstra_ctl.paths import ProjectFiles, RunFiles
from support.led_phases import analysed
from support.okstra import Ended, Okstra, Project
from support.plans import independent
from support.rehearsal import install, led, part

needs_ssh_keygen = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="there is no ssh-keygen")


def rows(project: Project) -> list[dict[str, object]]:
    path = seals_file(project)
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def seals_file(project: Project) -> Path:
    return Path(project.okstra.environment["OKSTRA_HOME"]) / "seals" / "demo.jsonl"


def files_of(project: Project, run: str) -> RunFiles:
    run_id = RunId.parse(run)
    return ProjectFiles(str(project.repo.path)).task(run_id.task).run_of(run_id)


def verified(okstra: Okstra, *words: str) -> Ended:
    return okstra("seal", "verify", *words, "--json")


def test_a_run_is_sealed_when_it_ends_and_any_change_to_its_record_is_found(project: Project) -> None:
    run = analysed(project).data["run_id"]
    assert [(row["event"], row["outcome"], row["previous"]) for row in rows(project)] == [("sealed", "completed", "")]
    sealed = [str(record["path"]) for record in rows(project)[0]["records"]]  # type: ignore[attr-defined]
    assert verified(project.okstra).data == {"rows": 1, "sealed": 1, "findings": []}
    assert "not sealed" not in project.okstra.ok("check", "run", run).stdout
    for path in (project.repo.path / name for name in sealed):
        before = path.read_bytes()
        path.write_bytes(before[:-2] + b" \n")
        found = verified(project.okstra)
        assert (found.status, found.codes, [one["file"] for one in found.data["findings"]]) == (
            4,
            ["seal-broken"],
            [str(path)],
        )
        path.unlink()
        assert [one["file"] for one in verified(project.okstra, run).data["findings"]] == [str(path)]
        path.write_bytes(before)
    extra = Path(files_of(project, run).worker_result("rehearsal-z"))
    extra.write_text("one more")
    assert [one["file"] for one in verified(project.okstra).data["findings"]] == [str(extra)]


def test_what_only_grows_may_grow(project: Project) -> None:
    run = analysed(project).data["run_id"]
    events = Path(files_of(project, run).events)
    events.write_text(events.read_text() + events.read_text().splitlines()[0] + "\n")
    assert verified(project.okstra).status == 0
    events.write_text("\n".join(events.read_text().splitlines()[1:]) + "\n")
    assert [one["file"] for one in verified(project.okstra).data["findings"]] == [str(events)]


def test_a_row_that_is_changed_or_taken_out_breaks_the_chain(project: Project) -> None:
    for _ in range(3):
        led(project, "error-analysis")
    path, lines = seals_file(project), seals_file(project).read_bytes().splitlines(keepends=True)
    assert len(lines) == 3
    path.write_bytes(lines[0] + lines[2])
    assert [one["line"] for one in verified(project.okstra).data["findings"]] == [2]
    path.write_bytes(lines[0].replace(b'"completed"', b'"failed"') + lines[1] + lines[2])
    assert [one["line"] for one in verified(project.okstra).data["findings"]] == [2]
    path.write_bytes(lines[0] + b"not a row\n" + lines[2])
    assert [one["line"] for one in verified(project.okstra).data["findings"]] == [2, 3]
    path.write_bytes(b"".join(lines))
    assert verified(project.okstra).status == 0


def test_a_torn_row_is_set_aside_by_the_next_one(project: Project) -> None:
    analysed(project)
    path = seals_file(project)
    path.write_bytes(path.read_bytes() + b'{"v": 1, "run_id')
    assert verified(project.okstra).status == 0
    led(project, "error-analysis")
    assert len(rows(project)) == 2
    assert verified(project.okstra).status == 0
    assert Path(f"{path}.torn").read_bytes() == b'{"v": 1, "run_id\n'


def test_a_run_that_failed_is_sealed_reopened_and_sealed_again(project: Project) -> None:
    install(project, part({"fault": "garbage"}, worker="rehearsal-a", attempt=["1", "2"]))
    failed = led(project, "error-analysis")
    assert failed.status == 1
    run = failed.data["run_id"]
    assert [(row["event"], row["outcome"]) for row in rows(project)] == [("sealed", "failed")]
    install(project)
    project.okstra.ok("resume", run)
    kinds = [(row["event"], row["outcome"]) for row in rows(project)]
    assert kinds == [("sealed", "failed"), ("reopened", ""), ("sealed", "completed")]
    assert verified(project.okstra).data == {"rows": 3, "sealed": 1, "findings": []}


def test_a_run_without_a_seal_is_noted_and_no_fault(project: Project) -> None:
    run = analysed(project).data["run_id"]
    seals_file(project).unlink()
    checked = project.okstra.ok("check", "run", run)
    assert "the run is not sealed" in checked.stdout
    assert project.okstra.ok("check", "run", run, "--json").data["sealed"] is None
    assert project.okstra("seal", "show", run, "--json").codes == ["not-found"]


def test_a_stage_that_a_session_finishes_is_sealed_with_its_exit_check_and_ledger(project: Project) -> None:
    project.adopt(independent(1))
    project.finish(project.run_stage())
    (row,) = rows(project)
    names = {os.path.basename(str(one["path"])) for one in row["records"]}  # type: ignore[attr-defined]
    assert {"exit-check-001.json", "consumers.jsonl"} <= names
    assert verified(project.okstra).status == 0
    ledger = project.task_root / "runs" / "implementation-planning" / "consumers.jsonl"
    ledger.write_text(ledger.read_text().replace(row["run_id"], "x"))  # type: ignore[arg-type]
    assert [one["file"] for one in verified(project.okstra).data["findings"]] == [str(ledger)]


def test_a_moved_project_is_as_it_was_sealed(project: Project) -> None:
    run = analysed(project).data["run_id"]
    moved = project.repo.path.with_name("moved")
    project.repo.path.rename(moved)
    okstra = Okstra(project.okstra.environment, moved)
    okstra.ok("setup", "--moved", "--yes")
    assert verified(okstra).data == {"rows": 1, "sealed": 1, "findings": []}
    manifest = Path(str(files_of(project, run).manifest).replace(str(project.repo.path), str(moved)))
    manifest.write_text(manifest.read_text().replace('"completed"', '"failed"'))
    assert [one["file"] for one in verified(okstra).data["findings"]] == [str(manifest)]


@needs_ssh_keygen
def test_a_signed_row_shows_that_later_ones_were_cut_off_or_written_anew(project: Project, tmp_path: Path) -> None:
    key, signed, signers = tmp_path / "key", tmp_path / "elsewhere" / "seals", tmp_path / "signers"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    signers.write_text(f"somebody@example.org {key.with_suffix('.pub').read_text()}")
    assert project.okstra("seal", "sign", "--key", key, "--json").codes == ["not-found"], "nothing is sealed yet"
    analysed(project)
    led(project, "error-analysis")
    answer = project.okstra.ok("seal", "sign", "--key", key, "--output", signed, "--json").data
    assert (answer["rows"], answer["file"]) == (2, str(signed))
    led(project, "error-analysis")
    for words in ([], ["--signers", str(signers)]):
        assert verified(project.okstra, "--signed", str(signed), *words).status == 0

    path, lines = seals_file(project), seals_file(project).read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0])
    found = verified(project.okstra, "--signed", str(signed))
    assert "when there were 2 row(s), and now there are 1" in found.data["findings"][0]["message"]
    path.write_bytes(b"".join(lines))

    signed.write_text(signed.read_text().replace("rows: 2", "rows: 1"))
    assert "signature" in verified(project.okstra, "--signed", str(signed)).data["findings"][0]["message"]
    signers.write_text("")
    found = verified(project.okstra, "--signed", str(signed), "--signers", str(signers))
    assert "its key is none of" in found.data["findings"][0]["message"]


def test_a_key_that_is_not_there_signs_nothing(project: Project, tmp_path: Path) -> None:
    analysed(project)
    refused = project.okstra("seal", "sign", "--key", tmp_path / "nothing", "--json")
    assert (refused.status, refused.codes) == (2, ["input-missing"])
    assert os.listdir(seals_file(project).parent) == ["demo.jsonl"]
