#!/bin/sh
# How long runs took, summed up.
#
# Usage: okstra-ctl time-summary [options]
#
# Options:
#   --by WHAT            project, task, phase (the default) or day
#   --project ID         runs of this project only
#   --task-key KEY       runs of this task only
#   --since WHEN         90m, 3h, 2d, 1w, or a day
#   --json               one JSON object on stdout, for failures too
#
# Exit codes: 0 summed up; 2 usage; 65 a state file can't be read.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command time-summary "$@"
