"""Public names: making worktrees. The code is in `flows/provision.py` and `flows/prepare/`."""

from .flows.prepare.task_worktree import ensure as provision_task_worktree
from .flows.provision import begin as provision_stage_worktree

__all__ = ["provision_stage_worktree", "provision_task_worktree"]
