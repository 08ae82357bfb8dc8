#!/bin/sh
# Lists the tasks that reports propose, makes tasks of them, dismisses them.
#
# Usage: okstra-ctl followups list [RUN] [--task-key KEY] [--state STATE] [options]
#        okstra-ctl followups spawn RUN --item ID [--task-id ID] [--task-group G] [options]
#        okstra-ctl followups spawn RUN --all [--task-group G] [options]
#        okstra-ctl followups dismiss RUN --item ID --reason TEXT [options]
#
#   list      what reports propose, and what became of it: open, spawned or dismissed
#   spawn     makes a task of a proposal, with a brief; starts no run
#   dismiss   records that nobody will do it
#
# Options:
#   --json               one JSON object on stdout, for failures too
#   --project-root DIR   the project; default: the repository one stands in
#
# Exit codes: 0 done; 2 usage, or no such run or item; 3 refused; 4 the report's data is invalid;
#             65 a state file can't be read.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command followups "$@"
