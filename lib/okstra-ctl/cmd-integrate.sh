#!/bin/sh
# Merges done stages into the task branch, once every exit check is green on the whole.
#
# Usage: okstra-ctl integrate --task-key KEY [options]
#
# Options:
#   --forecast           only tell which stages would conflict, pair by pair
#   --json               one JSON object on stdout, for failures too
#   --project-root DIR   the project; default: the repository one stands in
#
# Exit codes: 0 merged; 1 an exit check is red on the whole; 3 a conflict, or nothing to merge.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command integrate "$@"
