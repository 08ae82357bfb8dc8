"""What could not be taken home stays, can be looked at, and goes at a person's word alone."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from okstra_ctl.errors import WorkFailed
from okstra_ctl.quarantine.record import Quarantine
from okstra_ctl.quarantine.take_home import take_home
from support.okstra import Ended, Okstra
from support.quarantines import Lab, bwrap

_OWN_REPOSITORY = """
export GIT_AUTHOR_NAME=w GIT_AUTHOR_EMAIL=w@example.invalid GIT_COMMITTER_NAME=w GIT_COMMITTER_EMAIL=w@example.invalid
echo n>n; git add n; git commit -qm 'feat: n'
git init -q lib; git -C lib commit -q --allow-empty -m x
git add lib 2>/dev/null; git commit -qm 'a repository of its own'
"""


@pytest.fixture
def lab(tmp_path: Path, environment: Mapping[str, str]) -> Lab:
    return Lab(tmp_path / "a lab", environment, "files")


def _refused(lab: Lab) -> Quarantine:
    one = lab.quarantine()
    assert lab.inside(one, _OWN_REPOSITORY, bwrap()).returncode == 0
    with pytest.raises(WorkFailed, match="repositories of its own"):
        take_home(one)
    return one


def _okstra(lab: Lab, *words: str) -> Ended:
    environment = {**lab.repo.environment, "OKSTRA_HOME": lab.home.root}
    return Okstra(environment, lab.project)(*words)


def test_it_is_named_with_its_size_and_the_command_that_shows_its_commits(lab: Lab) -> None:
    one = _refused(lab)
    data = _okstra(lab, "gc", "--json").data
    (row,) = data["quarantines"]
    assert (row["folder"], row["run_id"], row["size"] > 0) == (one.folder, one.run_id, True)
    (look,) = row["looks"]
    shown = subprocess.run(["bash", "-c", look], env=lab.repo.environment, capture_output=True, text=True)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "feat: n" in shown.stdout and "a repository of its own" in shown.stdout
    (found,) = [row for row in _okstra(lab, "reconcile", "--json").data["findings"] if row["kind"] == "quarantine-left"]
    assert (found["notice"], look in found["try"]) == (True, True)
    assert "drop-quarantine" not in found["try"], "no advice throws commits away"
    assert Path(one.folder).is_dir(), "neither removes it"


def test_only_its_name_and_a_persons_word_remove_it(lab: Lab) -> None:
    one = _refused(lab)
    name, tip = Path(one.folder).name, lab.tip()
    assert _okstra(lab, "gc", "--drop-quarantine", "0" * 32, "--json").codes == ["not-found"]
    assert _okstra(lab, "gc", "--drop-quarantine", f"../quarantines/{name}", "--json").codes == ["not-found"]
    assert Path(one.folder).is_dir()
    dropped = _okstra(lab, "gc", "--drop-quarantine", name, "--json")
    assert (dropped.status, dropped.data["dropped"]["folder"]) == (0, one.folder)
    assert not Path(one.folder).exists()
    assert lab.tip() == tip


def test_one_that_a_worker_is_in_or_that_is_still_to_be_taken_home_is_not_removed(lab: Lab) -> None:
    one = lab.quarantine()
    kept = _okstra(lab, "gc", "--drop-quarantine", Path(one.folder).name, "--json")
    assert kept.codes == ["worktree-held"]
    assert Path(one.folder).is_dir()
