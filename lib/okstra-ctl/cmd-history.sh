#!/bin/sh
# A task's time line: runs and what came of them, stages, fix cycles.
#
# Usage: okstra-ctl history --task-key KEY [options]
#
# Options:
#   --task-key KEY       the task
#   --runs               a line for each run, not for each event
#   --json               one JSON object on stdout, for failures too
#
# Exit codes: 0 shown; 2 usage, or no such task; 65 a state file can't be read.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command history "$@"
