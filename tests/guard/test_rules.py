"""What an agent's tool calls may do, by role."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.command_table import VERBS
from okstra_ctl.guard.calls import Rules, decide_command, decide_commit, decide_file, decide_tool, rules_of

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


PUSHING = [
    "git push",
    "/usr/bin/git push origin main",
    'git -C "/a b" push',
    "git -C '/a b' -c user.name='x y' push",
    "git --git-dir=/p/.git push",
    "timeout 60 git push",
    "timeout -k 5 60 git push",
    "if true; then git push; fi",
    "{ git push; }",
    "( cd x && git push )",
    "for x in 1; do git push; done",
    "while git push; do :; done",
    "! git push",
    "sudo git push",
    "sudo -u me git push",
    "nohup git push &",
    "time git push",
    "nice -n 5 git push",
    "setsid git push",
    "echo origin | xargs git push",
    "xargs -n 1 git push",
    'sh -c "git push"',
    "bash -lc 'cd x && git push'",
    "env FOO=1 sh -c 'git push'",
    "eval git push",
    "eval 'git push'",
    'GIT_SSH_COMMAND="ssh -i k" git push',
    "env -u FOO git push",
    "echo $(git push)",
    "echo `git push`",
    'x="$(git push)"',
    "git log; git push",
    "git log\ngit push",
    "git log|git push",
    "true&&git push",
    "git \\\n push",
    "git send-pack /r.git HEAD:refs/heads/x",
    "git-push origin",
    "/usr/lib/git-core/git-send-pack /r.git x",
    "git subtree push --prefix=a origin x",
    "git lfs push origin main",
    "git -c alias.p=push p",
]
HOOKS_OFF = [
    "git -c core.hooksPath=/dev/null commit -m x",
    "git -c core.hookspath= commit -m x",
    "git -c CORE.HOOKSPATH=/x commit -m x",
    "git --config-env=core.hooksPath=X commit -m x",
    "git config core.hookspath x",
    "git config --global core.hooksPath x",
    "git config user.name x",
    "git config --unset core.hooksPath",
    "GIT_CONFIG_COUNT=0 git commit -m x",
    "env -u GIT_CONFIG_COUNT git commit -m x",
    "env --unset=GIT_TRACE2_EVENT git commit -m x",
    "env -i PATH=$PATH git commit -m x",
    "unset GIT_CONFIG_COUNT; git commit -m x",
    "export GIT_CONFIG_COUNT=0",
]
OKSTRAS = [
    "okstra plan approve p",
    "okstra plan adopt p",
    "okstra stage done --run r",
    "okstra stage release --force --run r",
    "okstra integrate --task-key k",
    "okstra config set convergence.quorum 1",
    "okstra worktree remove k",
    "okstra gc",
    "okstra reconcile --apply",
    "okstra run --task-key k",
    "okstra resume r",
    "okstra rerun r",
    "okstra reconcile --rebuild",
    "okstra brand-new",
    "okstra stage brand-new",
    "/opt/bin/okstra plan approve p",
    "cd /p && sudo okstra plan approve p",
]


@pytest.mark.parametrize("command", [*PUSHING, *HOOKS_OFF, *OKSTRAS])
def test_neither_reader_nor_builder_pushes_takes_the_guard_off_or_decides(command: str) -> None:
    assert not decide_command(READER, command).allowed
    assert not decide_command(BUILDER, command).allowed


@pytest.mark.parametrize(
    "command",
    [
        "echo 'git push'",
        "grep -r 'git push' .",
        "git log --grep=push",
        "git log -- push",
        "git diff push",
        "cat push; ls",
        "git config --get core.hooksPath",
        "git config user.name",
        "git config --list",
        "git stash show",
        "git apply --check x.patch",
        "okstra list",
        "okstra stage list --plan p",
        "okstra plan check p",
        "okstra stage done --help",
        "okstra gc --dry-run",
        "okstra reconcile --json",
        "okstra integrate --forecast --task-key k",
        "okstra check run r",
        "okstra followups list r",
        "pytest -q -k 'okstra run'",
        "FOO=1 env BAR=2 make test",
        "sh -c 'make test'",
        "echo 'an open quote",
        "cat <<'X'\nit's a text\nX",
    ],
)
def test_what_only_looks_is_allowed(command: str) -> None:
    assert decide_command(READER, command).allowed


def test_the_lead_calls_okstra() -> None:
    lead = rules_of({"roles": {}, "writable": [], "worktree": "/w"}, "lead")
    assert decide_command(lead, "okstra stage done --run r").allowed
    assert not decide_command(lead, "git push").allowed


def test_words_instead_of_a_line_are_one_command() -> None:
    assert not decide_tool(READER, "shell", {"command": ["bash", "-lc", "git push"]}, "/w").allowed
    assert decide_tool(READER, "shell", {"command": ["bash", "-lc", "git log"]}, "/w").allowed


@pytest.mark.parametrize(
    ("tool", "given"),
    [
        ("Write", {"file_path": "/w/a.py"}),
        ("Edit", {"file_path": "/w/a.py"}),
        ("MultiEdit", {"file_path": "/w/a.py"}),
        ("NotebookEdit", {"notebook_path": "/w/a.ipynb"}),
        ("write_file", {"path": "/w/a.py"}),
        ("replace", {"path": "/w/a.py"}),
        ("apply_patch", {"path": "/w/a.py"}),
        ("Bash", {"command": "git push"}),
        ("run_shell_command", {"command": "git push"}),
        ("exec_command", {"cmd": "git push"}),
        ("shell", {"command": "git push"}),
    ],
)
def test_every_clients_tools_are_known(tool: str, given: dict[str, str]) -> None:
    assert not decide_tool(READER, tool, given, "/w").allowed


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


def test_the_guard_goes_by_the_one_table_of_verbs() -> None:
    for label, verb in VERBS.items():
        decided = decide_command(READER, f"okstra {label}")
        assert decided.allowed is not verb.may_change(label.split()), label


@pytest.mark.parametrize(
    "command", ["git apply x.patch", "git am x.patch", "git commit --stat", "git merge --check x", "git stash pop"]
)
def test_a_reader_applies_nothing(command: str) -> None:
    assert not decide_command(READER, command).allowed
    assert decide_command(BUILDER, command).allowed


@pytest.mark.parametrize(
    ("command", "named"),
    [("okstra gc", "gc"), ("okstra plan approve x", "plan approve"), ("okstra run --task-key k", "run")],
)
def test_what_is_left_to_a_person_is_named_without_its_options(command: str, named: str) -> None:
    assert decide_command(READER, command).reason == (
        f"`okstra {named}` is for the run's lead or for a person: leave it to them"
    )


def in_shells(times: int) -> str:
    line = "{}"
    for _ in range(times):
        line = f"sh -c {shlex.quote(line)}"
    return line


@pytest.mark.parametrize(
    "line", ["eval eval eval eval {}", "echo `eval eval eval {}`", "echo $(eval eval eval {})", in_shells(4)]
)
def test_commands_are_found_four_levels_deep_and_what_is_deeper_is_refused(line: str) -> None:
    assert decide_command(READER, line.format("true")).allowed
    assert decide_command(READER, line.format("git push")).reason == "this phase pushes nothing"
    assert "too deep" in decide_command(BUILDER, line.format("eval true")).reason
