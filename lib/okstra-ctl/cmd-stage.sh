#!/bin/sh
# Lists the stages of a plan, marks a stage done, gives one back.
#
# Usage: okstra-ctl stage list --plan PLAN [options]
#        okstra-ctl stage done --run RUN [options]
#        okstra-ctl stage release --run RUN [options]
#
#   list      every stage with its status and what blocks it
#   done      records the run's stage as done, once its worktree is clean, it has a commit,
#             its exit check passed and its commits touch planned files only
#   release   gives the run's stage back, and keeps its branch
#
# Options:
#   --json               one JSON object on stdout, for failures too
#   --project-root DIR   the project; default: the repository one stands in
#
# Exit codes: 0 done; 1 the exit check failed; 2 usage; 3 refused, the message says why;
# 65 a state file can't be read; 75 busy.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command stage "$@"
