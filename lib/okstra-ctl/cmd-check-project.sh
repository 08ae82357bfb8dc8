#!/bin/sh
# Checks that the project's settings and the home can be worked with.
#
# Usage: okstra-ctl check-project [options]
#
# Options:
#   --json               one JSON object on stdout, for failures too
#   --project-root DIR   the project; default: the repository one stands in
#
# Exit codes: 0 healthy; 2 usage; 4 found something to mend; 65 a state file can't be read;
# 69 not a project, or something needed is missing.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command check-project "$@"
