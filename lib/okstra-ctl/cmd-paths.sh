#!/bin/sh
# Prints where okstra keeps its files.
#
# Usage: okstra-ctl paths [--shell] [options]
#
# Options:
#   --shell              lines that a shell can `eval`
#   --json               one JSON object on stdout, for failures too
#   --project-root DIR   the project; default: the repository one stands in
#
# Exit codes: 0 printed; 2 usage; 69 something needed is missing.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command paths "$@"
