#!/bin/sh
# Lists, finds and removes the worktrees that okstra made.
#
# Usage: okstra-ctl worktree list [options]
#        okstra-ctl worktree lookup KEY [options]
#        okstra-ctl worktree remove KEY [--force] [options]
#
# KEY is a task key (`project:group:task`) or a stage key (`project:group:task#stage-2`).
#
#   list      every worktree with its key, branch and status
#   lookup    prints the path alone, for `cd "$(okstra-ctl worktree lookup KEY)"`
#   remove    refuses while a run holds it, files are uncommitted, or commits would be on no branch
#
# Options:
#   --force              removes all the same, and keeps the commits by a ref
#   --json               one JSON object on stdout, for failures too
#   --project-root DIR   the project; default: the repository one stands in
#
# Exit codes: 0 done; 2 usage, or no such worktree; 3 refused, the message says why;
# 65 a state file can't be read; 75 busy.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command worktree "$@"
