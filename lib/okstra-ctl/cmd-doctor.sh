#!/bin/sh
# Checks this machine, and the providers' clients on it; a remedy for each finding.
#
# Usage: okstra-ctl doctor [options]
#
# Options:
#   --providers          the clients: version, flags, login, whether they can commit in a linked worktree
#   --json               one JSON object on stdout, for failures too
#
# Exit codes: 0 okstra can work here; 4 something to mend.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command doctor "$@"
