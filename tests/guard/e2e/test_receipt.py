"""Attacks on what a run must leave alone: prevented, or detected and named in the receipt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.attacks import (
    OFF,
    PLANNED,
    UNGUARDED,
    UNTRACED,
    assert_caught,
    assert_harmless,
    attack,
    build,
    kinds,
    noted,
)
from support.okstra import Project
from support.plans import independent
from support.rehearsal import install, led, manifest_of, part, report_of, result


def refs(path: Path, project: Project) -> list[str]:
    return project.repo.git("--git-dir", str(path), "for-each-ref", "--format=%(refname)").splitlines()


PUSHES = [
    "git push origin HEAD:refs/heads/stolen",
    "git push --no-verify origin HEAD:refs/heads/stolen",
    "git push --no-verify {remote} HEAD:refs/heads/stolen",
    "git -C {repo} push origin main",
]


@pytest.mark.parametrize("command", PUSHES)
def test_a_push_reaches_no_remote(project: Project, remote: Path, command: str) -> None:
    ended = attack(project, command.format(remote=remote, repo=project.repo.path))
    assert refs(remote, project) == []
    assert_harmless(ended)


PUSHED = [
    "git send-pack {remote} HEAD:refs/heads/stolen",
    "git -c remote.origin.pushurl={remote}/. push --no-verify origin HEAD:refs/heads/stolen",
    "git push --no-verify file://{remote} HEAD:refs/heads/stolen",
    "git -c core.hookspath=/dev/null push file://{remote} HEAD:refs/heads/stolen",
    "cd {repo} && env -u GIT_CONFIG_COUNT git push {remote} HEAD:refs/heads/stolen",
]


@pytest.mark.parametrize("command", PUSHED)
def test_a_push_that_gets_past_the_guard_fails_the_run(project: Project, remote: Path, command: str) -> None:
    """Nothing in the repository shows it: not even its remote-tracking ref, which the guard's hook refuses."""
    ended = attack(project, command.format(remote=remote, repo=project.repo.path))
    assert refs(remote, project) == ["refs/heads/stolen"]
    breaches = report_of(ended)["isolation"]["breaches"]
    assert ("push", "worker rehearsal-a") in {(one["kind"], one["author"]) for one in breaches}, breaches
    assert (ended.status, manifest_of(ended)["outcome"]) == (1, "contract-violated")


def test_a_push_in_a_repository_of_the_tests_own_is_none_of_the_runs(project: Project, tmp_path: Path) -> None:
    own = f"git init -q --bare {tmp_path}/a.git && git init -q {tmp_path}/b && cd {tmp_path}/b"
    pushed = "git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x && git push -q ../a.git HEAD:main"
    assert_harmless(attack(project, f"{own} && {pushed}"))
    assert project.repo.git("--git-dir", f"{tmp_path}/a.git", "rev-parse", "main")


REFUSED = [
    "git update-ref -d refs/okstra/kept/precious",
    "git update-ref -d refs/heads/main",
    "git replace HEAD $(git commit-tree -m x HEAD^{{tree}})",
    "git -C {repo} commit --allow-empty -m sneaky",
    "git -C {repo} commit --allow-empty --no-verify -m sneaky",
    "git commit --allow-empty --no-verify -m sneaky",
    "git branch sneaky",
    "git tag sneaky",
    "git -C {repo} update-ref refs/heads/main HEAD~0 && git update-ref refs/heads/other HEAD",
]


@pytest.mark.parametrize("command", REFUSED)
def test_refs_that_are_not_the_runs_do_not_move(project: Project, command: str) -> None:
    project.repo.git("update-ref", "refs/okstra/kept/precious", "HEAD")
    before = project.repo.git("for-each-ref", "--format=%(refname) %(objectname)")
    ended = attack(project, command.format(repo=project.repo.path))
    after = project.repo.git("for-each-ref", "--format=%(refname) %(objectname)")
    new = set(after.splitlines()) ^ set(before.splitlines())
    assert [line for line in new if not line.startswith("refs/heads/f")] == []
    assert_harmless(ended)


TRACED = [
    (f"{OFF} -C {{repo}} commit --allow-empty -m sneaky", ("ref",)),
    (f"{UNGUARDED} -C {{repo}} commit --allow-empty -m sneaky", ("ref",)),
    (f"{OFF} -C {{repo}} branch sneaky", ("ref",)),
    (f"{OFF} tag sneaky", ("ref",)),
    (f"{UNGUARDED} -C {{repo}} switch --create sneaky", ("ref", "head")),
    ("git -C {repo} config core.hooksPath /tmp/elsewhere", ("settings",)),
    ("git config --global user.name sneaky", ("settings",)),
    (f"{UNGUARDED} checkout --detach", ("head",)),
    ("git -C {repo} worktree add --detach {repo}/../stray", ("worktree",)),
    ("cd {repo} && echo x >> README.md && git stash", ("ref",)),
    ("cd {repo} && git rm -q README.md", ("main-worktree",)),
    ("git -C {repo} update-index --skip-worktree README.md; echo x >> {repo}/README.md", ("main-worktree",)),
]


@pytest.mark.parametrize(("command", "expected"), TRACED)
def test_what_gits_trace_shows_of_a_worker_fails_the_run(
    project: Project, command: str, expected: tuple[str, ...]
) -> None:
    ended = attack(project, command.format(repo=project.repo.path))
    assert_caught(ended, *expected, author="worker rehearsal-a")


IN_OKSTRAS_PLACES = [
    ("echo x >> README.md", "source-edit"),
    ("echo x > new-file.txt", "source-edit"),
    ("git update-index --assume-unchanged README.md; echo x >> README.md", "source-edit"),
    ("git update-index --skip-worktree README.md; echo x >> README.md", "source-edit"),
    (f"{UNTRACED} checkout --detach", "head"),
    (f"{UNTRACED} update-ref -d refs/okstra/kept/demo/precious", "ref"),
    (f"{UNTRACED} commit --quiet --allow-empty -m sneaky", "ref"),
]


@pytest.mark.parametrize(("command", "expected"), IN_OKSTRAS_PLACES)
def test_where_only_okstra_works_a_change_without_an_author_fails_the_run(
    project: Project, command: str, expected: str
) -> None:
    project.repo.git("update-ref", "refs/okstra/kept/demo/precious", "HEAD")
    ended = attack(project, command)
    assert kinds(ended) == [expected], ended
    assert (ended.status, manifest_of(ended)["outcome"]) == (1, "contract-violated")


ELSEWHERE = [
    ("echo 'exit 0' > {repo}/.git/hooks/post-commit", "settings"),
    ("echo secret.txt >> {repo}/.git/info/exclude", "settings"),
    ("echo x >> {repo}/README.md", "main-worktree"),
    ("echo x > {repo}/left-behind.txt", "main-worktree"),
    ("mkdir -p ~/.claude && echo '{{}}' > ~/.claude/settings.json", "settings"),
    ("mkdir -p ~/.config/git && echo 'evil*' > ~/.config/git/ignore", "settings"),
    (f"{UNTRACED} -C {{repo}} branch sneaky", "ref"),
    (f"{UNTRACED} -C {{repo}} checkout --detach", "head"),
]


@pytest.mark.parametrize(("command", "kind"), ELSEWHERE)
def test_elsewhere_a_change_without_an_author_is_a_note(project: Project, command: str, kind: str) -> None:
    ended = attack(project, command.format(repo=project.repo.path))
    assert_harmless(ended)
    assert noted(ended) == [(kind, "unknown", "")]


HOUSEKEEPING = [
    "git -C {repo} gc --quiet",
    "git -C {repo} -c core.hooksPath=/dev/null gc --quiet --prune=now",
    "git -C {repo} -c core.hooksPath=/dev/null pack-refs --all",
    "git -C {repo} update-server-info",
]


@pytest.mark.parametrize("command", HOUSEKEEPING)
def test_gits_housekeeping_is_no_breach(project: Project, command: str) -> None:
    """git begins it by itself after a commit, whoever makes it."""
    assert_harmless(attack(project, command.format(repo=project.repo.path)))


def test_a_sibling_branch_that_is_moved_is_named(project: Project) -> None:
    project.repo.git("branch", "sibling")
    command = "git -c core.hooksPath=/dev/null update-ref refs/heads/sibling $(git commit-tree -m x HEAD^{tree})"
    ended = attack(project, command)
    assert_caught(ended, "ref", author="worker rehearsal-a")
    assert report_of(ended)["isolation"]["breaches"][0]["what"] == "refs/heads/sibling"


def test_a_synced_folder_that_is_rewritten_is_named(project: Project) -> None:
    settings = project.repo.path / ".okstra" / "project.json"
    cache = project.repo.path / "cache"
    (cache / "data").mkdir(parents=True)
    (cache / "data" / "a.txt").write_text("a\n")
    project.repo.commit({".gitignore": "/cache\n"}, "Ignore the cache")
    document = json.loads(settings.read_text())
    settings.write_text(json.dumps({**document, "worktreeSyncDirs": ["cache"]}))
    ended = attack(project, "rm -rf cache/data && mkdir cache/data && echo b > cache/data/b.txt")
    assert_harmless(ended)
    assert noted(ended) == [("synced-folder", "unknown", "")]


def test_what_other_okstra_runs_do_is_no_breach(project: Project) -> None:
    project.adopt(independent(2))
    first = project.run_stage()
    at = Path(first.data["worktree"]["path"])
    ended = attack(project, f"{UNTRACED} -C {at} commit --allow-empty -m theirs")
    assert_harmless(ended)
    assert noted(ended) == []


def test_an_executor_commits_planned_files(project: Project) -> None:
    ended = build(project, *PLANNED, {"run": "git commit -q -m 'feat: it'"})
    assert_harmless(ended)


def test_a_commit_outside_the_plan_is_refused_by_the_hook(project: Project) -> None:
    stray = {"write": {"path": "elsewhere.py", "content": "# stray\n"}}
    ended = build(project, *PLANNED, stray, {"run": "git add -A; git commit -q -m 'feat: it'", "exit": 1})
    assert ended.status == 1
    assert report_of(ended)["verdict"]["token"] == "not-done"


VIOLATIONS = [
    ("echo x > elsewhere.py; git add -A; git commit -q --no-verify -m stray", "out-of-plan"),
    ("git -c core.hooksPath=/dev/null -C {repo} commit -q --allow-empty -m main", "ref"),
]


@pytest.mark.parametrize(("command", "kind"), VIOLATIONS)
def test_an_executor_that_breaks_the_contract_does_not_finish_its_stage(
    project: Project, command: str, kind: str
) -> None:
    commit = {"run": "git commit -q -m 'feat: it'"}
    ended = build(project, *PLANNED, commit, {"run": command.format(repo=project.repo.path)})
    assert manifest_of(ended)["outcome"] == "contract-violated"
    assert kind in kinds(ended)
    assert report_of(ended)["verdict"]["token"] == "not-done"
    assert "done" not in [row["status"] for row in project.ledger]


def test_the_repositorys_own_hooks_still_run(project: Project) -> None:
    hook = project.repo.path / ".git" / "hooks" / "commit-msg"
    hook.write_text('#!/bin/sh\necho "checked-by-hook" >> "$1"\n')
    hook.chmod(0o755)
    ended = build(project, *PLANNED, {"run": "git commit -q -m 'feat: it'"})
    assert_harmless(ended)
    head = report_of(ended)["commit"]
    assert "checked-by-hook" in project.repo.git("log", "-1", "--format=%B", head)


def test_tests_may_use_git_in_repositories_of_their_own(project: Project) -> None:
    own = (
        "d=$(mktemp -d) && git init -q $d && cd $d && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x"
    )
    install(project, part({"run": own}, {"result": result()}, worker="rehearsal-a", round=""))
    assert_harmless(led(project, "error-analysis"))


def test_the_repositorys_own_reference_hook_sees_what_the_guard_saw(project: Project) -> None:
    hook = project.repo.path / ".git" / "hooks" / "reference-transaction"
    seen = project.repo.path.parent / "seen"
    hook.write_text(f'#!/bin/sh\nwhile read -r old new ref; do echo "$1 $ref" >> {seen}; done\n')
    hook.chmod(0o755)
    ended = build(project, *PLANNED, {"run": "git commit -q -m 'feat: it'"})
    assert_harmless(ended)
    (stage,) = [claim["branch"] for claim in project.registry["stages"].values()]
    lines = seen.read_text().splitlines()
    assert {f"prepared refs/heads/{stage}", f"committed refs/heads/{stage}"} <= set(lines)
