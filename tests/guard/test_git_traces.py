"""What a worker's git traced is read like anything that a worker could have written."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from okstra_ctl.guard.authorship import ref_moves, refs_file, trace_file, traced_commands

SID = "20261130T083433.942908Z-H0a7c9cdf-P00006464"


def event(kind: str, **fields: object) -> str:
    return json.dumps({"event": kind, "sid": SID, **fields}) + "\n"


def write(folder: Path, *lines: str) -> None:
    Path(trace_file(str(folder))).write_text("".join(lines))


def test_a_command_is_put_together_from_its_events(tmp_path: Path) -> None:
    write(
        tmp_path,
        event("version", exe="2.39.5"),
        event("start", argv=["/usr/bin/git", "-C", "/p", "push"]),
        event("def_repo", worktree=str(tmp_path)),
        event("def_param", param="core.hooksPath", value="/hooks"),
        event("def_param", param="core.hookspath", value="/dev/null"),
        event("def_param", param="GIT_DIR", value="/p/.git"),
        event("exit", code=1),
    )
    (found,) = traced_commands("a", str(tmp_path))
    assert found.words == ("push",)
    assert (found.worktree, found.git_dir, found.hooks) == (os.path.realpath(tmp_path), "/p/.git", "/dev/null")
    assert (found.worker, found.sid, found.status) == ("a", SID, 1)


HOSTILE = [
    "",
    "\n\n\n",
    "no json\n",
    "[]\n",
    "null\n",
    '{"event": "start"}\n',
    event("start", argv=[]),
    event("start", argv=[1, {}]),
    event("start", argv="git"),
    event("exit", code="0"),
    event("def_repo", worktree=["x"]),
    "[" * 100_000 + "\n",
    '{"sid": ' + "9" * 5000 + "}\n",
    "x" * 1_000_000,
]


@pytest.mark.parametrize("text", HOSTILE)
def test_garbage_is_no_command_and_hides_none(tmp_path: Path, text: str) -> None:
    good = json.dumps({"event": "start", "sid": "good", "argv": ["git", "status"]})
    write(tmp_path, text, "\n", good, "\n")
    assert [one.sid for one in traced_commands("a", str(tmp_path))] == ["good"]


def test_only_a_plain_file_is_read(tmp_path: Path) -> None:
    trace = Path(trace_file(str(tmp_path)))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text(event("start", argv=["git", "push"]))
    assert list(traced_commands("a", str(tmp_path))) == []
    trace.symlink_to(elsewhere)
    assert list(traced_commands("a", str(tmp_path))) == []
    trace.unlink()
    os.mkfifo(trace)
    assert list(traced_commands("a", str(tmp_path))) == []
    trace.unlink()
    trace.mkdir()
    assert list(traced_commands("a", str(tmp_path))) == []


def test_a_flood_is_read_up_to_a_size(tmp_path: Path) -> None:
    with open(trace_file(str(tmp_path)), "wb") as file:
        file.write(event("start", argv=["git", "push"]).encode())
        file.truncate(4 * 1024**3)
    began = time.process_time()
    assert len(list(traced_commands("a", str(tmp_path)))) == 1
    assert time.process_time() - began < 5


def test_moves_of_refs(tmp_path: Path) -> None:
    old, new = "0" * 40, "1" * 40
    lines = f"moved {SID} {old} {new} refs/heads/a b\nrefused - {old} {new} refs/tags/x\nmoved\nstolen a b c d\n\xff\n"
    Path(refs_file(str(tmp_path))).write_bytes(lines.encode("latin-1"))
    first, second = ref_moves("a", str(tmp_path))
    assert (first.sid, first.refused, first.ref) == (SID, False, "refs/heads/a b")
    assert (second.sid, second.refused, second.ref) == ("-", True, "refs/tags/x")
