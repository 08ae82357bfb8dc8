"""Whatever a worker does with git inside, the real repository changes by what okstra takes home alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from okstra_ctl.errors import WorkFailed
from okstra_ctl.quarantine.take_home import take_home
from support.git_scripts import CASES, Case
from support.quarantines import BRANCH, FORMATS, KEPT, Lab, bwrap
from support.sealed import sealed_environment

_SHORT = [(case, "sha256" if number % 4 == 3 else "files") for number, case in enumerate(CASES) if case.short]
_LONG = [(case, kind) for kind in FORMATS for case in CASES if not case.loose or kind != "reftable"]


@pytest.fixture(scope="module")
def labs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Lab]]:
    yield {}


def lab_of(labs: dict[str, Lab], kind: str, factory: pytest.TempPathFactory) -> Lab:
    if kind not in labs:
        home = factory.mktemp("home")
        labs[kind] = Lab(factory.mktemp(kind) / "a lab", sealed_environment(home), kind)
    labs[kind].restore()
    return labs[kind]


def check(lab: Lab, case: Case) -> None:
    old, contained = lab.tip(), bwrap()
    before = lab.state()
    one = lab.quarantine()
    ended = lab.inside(one, case.whole_script, contained)
    assert lab.state() == before, ended
    if case.refused:
        with pytest.raises(WorkFailed, match=case.refused):
            take_home(one)
        assert (lab.tip(), Path(one.folder).is_dir()) == (old, True)
    else:
        came = take_home(one)
        assert came.old == old, ended
        assert (lab.tip() == came.tip, came.tip != old) == (True, case.moved), ended
        assert tuple(sorted(kept.name for kept in came.kept)) == case.kept, ended
        for kept in came.kept:
            assert kept.ref.startswith(KEPT)
            assert lab.tip(kept.ref) == kept.commit
        assert not Path(one.folder).exists()
    assert tuple(lab.status().splitlines()) == case.dirty, ended
    lab.repo.git("fsck", "--no-dangling")
    lab.repo.git("rev-list", "--objects", "--quiet", "--all")
    assert lab.repo.git("for-each-ref", "--format=%(refname)", "refs/heads").split() == [
        f"refs/heads/{name}" for name in ("feat-t-1", BRANCH, "feat-t-1-s2", "main", "other")
    ]


@pytest.mark.parametrize(("case", "kind"), _SHORT, ids=lambda value: getattr(value, "name", value))
def test_of_what_a_worker_does_commits_alone_come_home(
    case: Case, kind: str, labs: dict[str, Lab], tmp_path_factory: pytest.TempPathFactory
) -> None:
    check(lab_of(labs, kind, tmp_path_factory), case)


@pytest.mark.stress
@pytest.mark.parametrize(("case", "kind"), _LONG, ids=lambda value: getattr(value, "name", value))
def test_of_what_a_worker_does_commits_alone_come_home_everywhere(
    case: Case, kind: str, labs: dict[str, Lab], tmp_path_factory: pytest.TempPathFactory
) -> None:
    check(lab_of(labs, kind, tmp_path_factory), case)


def test_there_are_as_many_scripts_as_were_written_down() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 42
