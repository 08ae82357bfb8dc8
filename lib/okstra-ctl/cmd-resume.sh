#!/bin/sh
# Goes on with a run that was stopped, or whose worker failed.
#
# Usage: okstra-ctl resume RUN [options]
#
# Options:
#   --budget USD         a new budget, what was spent included
#   --json               one JSON object on stdout, for failures too
#   --project-root DIR   the project; default: the repository one stands in
#
# Exit codes: 0 completed; 1 a gate failed; 2 usage; 3 refused: another process leads it, or it is completed; 130 stopped.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command resume "$@"
