#!/bin/sh
# Checks, shows, approves and adopts plans.
#
# Usage: okstra-ctl plan check PLAN [options]
#        okstra-ctl plan show PLAN [options]
#        okstra-ctl plan approve PLAN [options]
#        okstra-ctl plan adopt PLAN --task-key KEY [options]
#
#   check     every breach of the Stage Map rules S1 to S12, each with its line
#   show      the stages as a graph, with waves and the critical path
#   approve   marks the plan as approved, once it has no errors
#   adopt     places a plan from elsewhere as the task's next planning report
#
# Options:
#   --json               one JSON object on stdout, for failures too
#   --project-root DIR   the project; default: the repository one stands in
#
# Exit codes: 0 done; 2 usage; 3 refused; 4 the plan breaks rules; 65 the plan can't be read.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command plan "$@"
