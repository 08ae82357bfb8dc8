#!/bin/sh
# Prepares the next run of a run's stage, in the same worktree.
#
# Usage: okstra-ctl rerun RUN [options]
#
# Options:
#   --lead claude/auto   who drives the run
#   --render-only        prepare and print; start no lead
#   --json               one JSON object on stdout, for failures too
#   --project-root DIR   the project; default: the repository one stands in
#
# Exit codes: 0 prepared; 2 usage; 3 refused: the run lives, or lost its stage.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command rerun "$@"
