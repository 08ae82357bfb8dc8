"""What workers do with git, and what okstra must make of it: scripts for inside a quarantine, each with its outcome.

`$COMMON` and `$OWN` are git's common folder and the worktree's own; `save NAME` commits a new file of that name.
"""

from __future__ import annotations

from typing import NamedTuple

from .quarantines import BRANCH

_BEGIN = """\
IFS=
COMMON=$(git rev-parse --path-format=absolute --git-common-dir) OWN=$(git rev-parse --absolute-git-dir)
save() { echo "$1" >"$1" && git add "$1" && git commit -qm "feat: $1"; }
"""


class Case(NamedTuple):
    """`moved`: the branch has new commits afterwards. `kept` are names of commits that are kept by refs. `refused`: the
    quarantine stays, and its error has these words. `dirty` is what `git status` shows. `short`: a part of every test
    run. `loose`: it writes refs as files."""

    name: str
    script: str
    moved: bool = False
    kept: tuple[str, ...] = ()
    refused: str = ""
    dirty: tuple[str, ...] = ()
    short: bool = False
    loose: bool = False

    @property
    def whole_script(self) -> str:
        return _BEGIN + self.script


_OWN = f"refs/heads/{BRANCH}"
CASES = (
    # What a good worker does
    Case("a commit", "save n", moved=True, short=True),
    Case("a rebase of its commits", "save n; save m; git rebase -q --force-rebase HEAD~1", moved=True),
    Case(
        "an interactive rebase",
        "save n; echo m>m; git add m; git commit -qm 'fixup! feat: n'; "
        "GIT_SEQUENCE_EDITOR=true git rebase -q -i --autosquash HEAD~2",
        moved=True,
    ),
    Case(
        "a merge of a branch of its own",
        f"git checkout -q -b side; save n; git checkout -q {BRANCH}; git merge -q --no-ff -m merge side",
        moved=True,
    ),
    Case("a revert", "save n; git revert -n HEAD; git commit -qm 'revert: n'", moved=True),
    Case(
        "a stash that is popped",
        "echo n>>README.md; git stash -q; git stash pop -q; git commit -qam 'feat'",
        moved=True,
    ),
    Case("housekeeping", "save n; git gc -q --prune=now --aggressive; git repack -adfq", moved=True, short=True),
    Case("packed refs", "save n; git pack-refs --all --prune; git maintenance run --task=commit-graph -q", moved=True),
    Case("a fetch", "git fetch -q origin"),
    Case("notes", "git notes add -m note HEAD", kept=("refs/notes/commits",)),
    Case("a large file", "head -c 3000000 /dev/urandom >n; git add n; git commit -qm n", moved=True),
    # Commits that are not on the branch, or not only
    Case("an amended base", "git commit -q --amend -m other", kept=(_OWN,), short=True),
    Case("a detached HEAD", "git checkout -q --detach; save n", kept=("HEAD",), dirty=("?? n",), short=True),
    Case(
        "another worktree's branch",
        "git checkout -q --ignore-other-worktrees feat-t-1-s2; save n",
        kept=("refs/heads/feat-t-1-s2",),
        dirty=("?? n",),
        short=True,
    ),
    Case(
        "the main branch",
        "git symbolic-ref HEAD refs/heads/main; save n",
        kept=("refs/heads/main",),
        dirty=("?? n",),
    ),
    Case("a renamed branch", "save n; git branch -m renamed", kept=("refs/heads/renamed",), dirty=("?? n",)),
    Case("a stash that is left", "echo n>>README.md; git stash -q", kept=("refs/stash",)),
    Case(
        "a tag on a commit of nobody's", "c=$(git commit-tree -p HEAD -m x HEAD:); git tag t $c", kept=("refs/tags/t",)
    ),
    # What it may not change
    Case("stashes dropped, logs expired", "git stash clear; git reflog expire --expire=now --all"),
    Case("tags moved and deleted", "git tag -f v1 HEAD~1; git tag -d v1"),
    Case("branches moved and deleted", "git branch -f other HEAD~1; git update-ref refs/heads/main HEAD~1", short=True),
    Case(
        "kept work deleted",
        "git for-each-ref --format='delete %(refname)' refs/okstra refs/tags | git update-ref --stdin",
        short=True,
    ),
    Case("a commit replaced", "save n; git replace HEAD HEAD~1", moved=True),
    Case("a graft", "save n; git replace --graft HEAD; git rev-parse HEAD >$COMMON/shallow", moved=True),
    Case("settings", "git config core.hooksPath /x; git config core.fsmonitor /x; git config alias.status '!id'"),
    Case("hooks", "echo exit >$COMMON/hooks/post-checkout; chmod +x $COMMON/hooks/post-checkout", short=True),
    Case("exclusions and attributes", "echo x >$COMMON/info/exclude; echo '* filter=x' >$COMMON/info/attributes"),
    Case("an alternate of its own", "save n; echo /etc >>$COMMON/objects/info/alternates", moved=True, short=True),
    Case("another worktree removed", "git worktree prune --expire=now; git worktree remove --force ../stage-2 || true"),
    Case("a push by path", "git push -q origin HEAD:refs/heads/stolen || true", short=True),
    Case("a push by its own hands", "git send-pack $(git config remote.origin.url) HEAD:refs/heads/stolen || true"),
    Case("git's folders deleted", "save n; rm -rf $COMMON $OWN || true", dirty=("?? n",), short=True),
    Case(
        "all deleted",
        "rm -rf ../../project ../stage-2 . * || true",
        dirty=(" D README.md", " D src/a.py"),
    ),
    Case("the worktree's .git replaced", "rm -f .git || mv .git x || echo gitdir: $PWD/x >.git || true", short=True),
    # What would deceive whoever looks afterwards
    Case(
        "marked files",
        "git update-index --assume-unchanged src/a.py --skip-worktree README.md; echo x>>src/a.py; echo x>>README.md; "
        "save n",
        moved=True,
        dirty=(" M README.md", " M src/a.py"),
        short=True,
    ),
    Case(
        "locks left",
        "save n; touch $OWN/index.lock $OWN/HEAD.lock $COMMON/config.lock $COMMON/packed-refs.lock",
        moved=True,
    ),
    Case(
        "another common folder named",
        "save n; git init -q --bare evil; git -C evil config core.fsmonitor 'touch /var/tmp/ran'; "
        "echo $PWD/evil >$OWN/commondir; echo $PWD/evil >$OWN/gitdir",
        moved=True,
        dirty=("?? evil/",),
        short=True,
    ),
    Case(
        "a filter",
        "git config filter.x.clean cat; echo '*.bin filter=x' >.gitattributes; git add .; save a.bin",
        moved=True,
    ),
    Case(
        "a submodule's address that is an option",
        "printf '[submodule \"x\"]\\n\\tpath = x\\n\\turl = -u./x\\n' >.gitmodules; git add .; git commit -qm x",
        refused="does not take its objects",
        dirty=("?? .gitmodules",),
        short=True,
    ),
    Case(
        "a file named .git",
        "b=$(echo x | git hash-object -w --stdin); t=$(printf '100644 blob %s\\t.git\\n' $b | git mktree --missing); "
        "git update-ref HEAD $(git commit-tree -p HEAD -m x $t)",
        refused="does not take its objects",
    ),
    Case(
        "an object under a false name",
        "h=$(git rev-parse HEAD:README.md); n=$(echo x | git hash-object -w --stdin); cd $COMMON/objects; "
        "mkdir -p ${h:0:2}; cp ${n:0:2}/${n:2} ${h:0:2}/${h:2}; cd -; save n",
        moved=True,
    ),
    Case(
        "a commit under a false name",
        "save n; h=$(git rev-parse HEAD); git checkout -q --orphan o; git commit -qm o; n=$(git rev-parse HEAD); "
        "cd $COMMON/objects; chmod u+w ${h:0:2}/${h:2}; cp ${n:0:2}/${n:2} ${h:0:2}/${h:2}",
        refused="could not be taken home",
        dirty=("?? n",),
    ),
    Case(
        "a graph that gives its root a parent",
        "git checkout -q --orphan o; git commit -qm o; "
        f"git replace --graft HEAD {BRANCH}; git commit-graph write --reachable; git replace -d HEAD; "
        f"git update-ref refs/heads/{BRANCH} HEAD; git checkout -q {BRANCH}",
        kept=(_OWN,),
    ),
    Case(
        "a branch at a blob",
        f"echo x | git hash-object -w --stdin >$COMMON/refs/heads/{BRANCH}",
        refused="which is no commit",
        loose=True,
    ),
    Case("a branch that is a link", f"ln -sf /etc/passwd $COMMON/refs/heads/{BRANCH}", loose=True, short=True),
    Case(
        "a branch that is another one",
        "save n; git update-ref refs/heads/side HEAD; git symbolic-ref HEAD refs/heads/side; "
        f"git symbolic-ref refs/heads/{BRANCH} refs/heads/main",
        kept=("refs/heads/side",),
        dirty=("?? n",),
    ),
    Case(
        "pipes among the refs",
        f"save n; rm $COMMON/refs/heads/{BRANCH}; mkfifo $COMMON/refs/heads/{BRANCH}",
        loose=True,
        dirty=("?? n",),
        kept=(),
    ),
    Case(
        "objects that are a link",
        "save n; mv $COMMON/objects $COMMON/o; ln -s $COMMON/o $COMMON/objects",
        refused="a link",
        dirty=("?? n",),
    ),
)
