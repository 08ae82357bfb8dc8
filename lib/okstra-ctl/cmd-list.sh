#!/bin/sh
# Lists the runs of all projects, the newest last.
#
# Usage: okstra-ctl list [options]
#
# Options:
#   --project ID         runs of this project only
#   --task-key KEY       runs of this task only
#   --task-type TYPE     runs of this phase only
#   --status S           runs of this status only
#   --since WHEN         90m, 3h, 2d, 1w, or a day
#   --limit N            the newest N only
#   --all                all that ever were, not only the last weeks
#   --json               one JSON object on stdout, for failures too
#
# A table at a terminal, plain text when piped.
#
# Exit codes: 0 listed; 2 usage; 65 a state file can't be read.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command list "$@"
