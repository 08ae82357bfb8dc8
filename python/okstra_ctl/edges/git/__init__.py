"""The git door: small named questions and changes, on bytes, branching on exit codes (spec 2, "Git").

Changes to what worktrees share (adding one, branches, removals) are made under the repository lock by the
caller, who hands in the lock's descriptors for git to inherit.
"""

from .blobs import blobs_at, kinds_at
from .branches import (
    attach_head,
    branch_commit,
    branch_exists,
    branch_is_untouched,
    branch_reason,
    branches_like,
    clear_killed_creation,
    create_branch,
    delete_untouched_branch,
    head_branch,
)
from .command import NO_HOOKS, sync_refs
from .environment import environment, hooks_environment, settings_variables, users_environment
from .hidden_edits import HiddenEdits, hidden_edits, left_out
from .history import (
    changed_files,
    commit_subjects,
    commits_between,
    is_ancestor,
    is_on_a_branch,
    newest_of,
    remote_refs,
    resolve,
    resolve_given,
    unreachable_commits,
)
from .repository import (
    OLDEST,
    Discovery,
    Repository,
    config_value,
    discover,
    has_identity,
    main_is_bare,
    main_worktree,
    remote_urls,
    version,
)
from .status import Unsaved, dirty_files, staged_files, tracked, tracked_changes, unsaved
from .worktrees import (
    Worktree,
    finish_checkout,
    start_checkout,
    switch_detached,
    worktree_add_detached,
    worktree_git_dir,
    worktrees,
)

__all__ = [
    "NO_HOOKS",
    "OLDEST",
    "Discovery",
    "HiddenEdits",
    "Repository",
    "Unsaved",
    "Worktree",
    "attach_head",
    "blobs_at",
    "branch_commit",
    "branch_exists",
    "branch_is_untouched",
    "branch_reason",
    "branches_like",
    "changed_files",
    "clear_killed_creation",
    "commit_subjects",
    "commits_between",
    "config_value",
    "create_branch",
    "delete_untouched_branch",
    "dirty_files",
    "discover",
    "environment",
    "finish_checkout",
    "has_identity",
    "head_branch",
    "hidden_edits",
    "hooks_environment",
    "is_ancestor",
    "is_on_a_branch",
    "kinds_at",
    "left_out",
    "main_is_bare",
    "main_worktree",
    "newest_of",
    "remote_refs",
    "remote_urls",
    "resolve",
    "resolve_given",
    "settings_variables",
    "staged_files",
    "start_checkout",
    "switch_detached",
    "sync_refs",
    "tracked",
    "tracked_changes",
    "unreachable_commits",
    "unsaved",
    "users_environment",
    "version",
    "worktree_add_detached",
    "worktree_git_dir",
    "worktrees",
]
