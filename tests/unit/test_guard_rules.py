"""What an agent's tool calls may do, by role."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.core.guard_rules import Rules, decide_command, decide_commit, decide_file, decide_tool, rules_of

READER = Rules("/w", False, (), ("/p/.okstra/results",), False)
BUILDER = Rules("/w", True, ("src/**", "README.md"), ("/p/.okstra/results",), False)


@pytest.mark.parametrize(
    ("rules", "path", "allowed"),
    [
        (READER, "/p/.okstra/results/a.md", True),
        (READER, "/w/src/a.py", False),
        (READER, "src/a.py", False),
        (BUILDER, "src/a.py", True),
        (BUILDER, "/w/src/deep/a.py", True),
        (BUILDER, "setup.py", False),
        (BUILDER, "../other/src/a.py", False),
        (BUILDER, "src/../../x.py", False),
        (BUILDER, "/etc/passwd", False),
        (BUILDER, ".git/hooks/pre-push", False),
        (BUILDER, "/p/.okstra/resultsX", False),
    ],
)
def test_files(rules: Rules, path: str, allowed: bool) -> None:
    assert decide_file(rules, path, "/w").allowed is allowed


@pytest.mark.parametrize(
    ("command", "reader", "builder"),
    [
        ("ls -la", True, True),
        ("git log --oneline", True, True),
        ("git diff main..HEAD", True, True),
        ("git branch --show-current", True, True),
        ("git stash list", True, True),
        ("echo 'git push'", True, True),
        ("git push", False, False),
        ("cd x && git -C /w push origin main", False, False),
        ("FOO=1 git push", False, False),
        ("git commit -m x", False, True),
        ("git checkout .", False, True),
        ("git stash", False, True),
        ("git branch new", False, True),
        ("git -c core.hooksPath=/dev/null commit -m x", False, False),
        ("git config core.hooksPath x", False, False),
        ("true; git reset --hard", False, True),
    ],
)
def test_commands(command: str, reader: bool, builder: bool) -> None:
    assert (decide_command(READER, command).allowed, decide_command(BUILDER, command).allowed) == (reader, builder)


def test_tools_that_only_read_are_allowed() -> None:
    assert decide_tool(READER, "Read", {"file_path": "/etc/passwd"}, "/w").allowed
    assert not decide_tool(READER, "Edit", {"file_path": "/w/a.py"}, "/w").allowed
    assert not decide_tool(READER, "Bash", {"command": "git push"}, "/w").allowed


def test_commits() -> None:
    assert decide_commit(BUILDER, ("src/a.py",)).allowed
    assert "setup.py" in decide_commit(BUILDER, ("src/a.py", "setup.py")).reason
    assert not decide_commit(READER, ("src/a.py",)).allowed


def test_an_unknown_role_may_change_nothing() -> None:
    document = {"roles": {}, "writable": [], "worktree": "/w"}
    assert rules_of(document, "somebody").edits is False
    with pytest.raises(ValueError, match="lack"):
        rules_of({"roles": {}}, "executor")


@given(st.text(), st.text())
def test_nothing_upsets_the_guard(path: str, command: str) -> None:
    decide_file(BUILDER, path, "/w")
    decide_command(BUILDER, command)
