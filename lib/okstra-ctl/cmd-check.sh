#!/bin/sh
# Checks what a worker wrote, whether what it cites stands in the repository, and a run's whole record.
#
# Usage: okstra-ctl check result FILE [options]
#        okstra-ctl check evidence RUN [options]
#        okstra-ctl check run RUN [--only files|results|report|phase|pages]... [options]
#
# Options:
#   --json               one JSON object on stdout, for failures too
#   --project-root DIR   the project; default: the repository one stands in
#
# Exit codes: 0 in order; 2 usage; 4 something to mend: each rule with its line.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command check "$@"
