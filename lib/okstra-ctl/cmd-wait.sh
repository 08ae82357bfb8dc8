#!/bin/sh
# Waits for a run's results or report; prints one JSON line for each change.
#
# Usage: okstra-ctl wait RUN [options]
#
# Options:
#   --for results/report what to await; default: results
#   --timeout S          seconds to wait at most; default: a day
#   --json               one JSON object on stdout, for failures too
#   --project-root DIR   the project; default: the repository one stands in
#
# Exit codes: 0 all there and valid; 1 a worker is gone, or the time is over; 2 usage.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command wait "$@"
