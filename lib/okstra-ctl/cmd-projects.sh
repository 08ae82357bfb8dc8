#!/bin/sh
# Lists the projects that okstra has run in.
#
# Usage: okstra-ctl projects [options]
#
# Options:
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
okstra_command projects "$@"
