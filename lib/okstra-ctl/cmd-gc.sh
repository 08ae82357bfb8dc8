#!/bin/sh
# Removes worktrees that are proven safe to remove, the oldest first.
#
# Usage: okstra-ctl gc [options]
#
# Options:
#   --max SIZE           until all worktrees together are no larger, e.g. 20G
#   --dry-run            remove nothing; show the verdicts
#   --json               one JSON object on stdout, for failures too
#   --project-root DIR   the project; default: the repository one stands in
#
# Exit codes: 0 done; 2 usage.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command gc "$@"
