#!/bin/sh
# Hands an accepted task off: pushes its branch, opens its pull request. Only what a flag, or an answer at the menu, names.
#
# Usage: okstra-ctl handoff KEY [options]
#
# Options:
#   --push               push the task's branch
#   --pr                 push it, and open a pull request with gh
#   --base BRANCH        where the pull request is to be merged
#   --draft              open the pull request as a draft
#   --title T            the pull request's title
#   --yes                do not ask
#   --dry-run            write nothing; print what would be done
#   --json               one JSON object on stdout, for failures too
#   --project-root DIR   the project; default: the repository one stands in
#
# Exit codes: 0 done; 1 a step failed; 3 nothing chosen, not accepted, or a conflict; 69 no usable gh.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command handoff "$@"
