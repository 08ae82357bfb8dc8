#!/bin/sh
# Says whether an agent's tool call or commit is within its run's rights; called by hooks.
#
# Usage: okstra-ctl guard tool --rules FILE [options]
#        okstra-ctl guard commit --rules FILE [options]
#
# Options:
#   --rules FILE         the run's guard rules
#   --role R             whose call it is; default: $OKSTRA_ROLE
#   --json               one JSON object on stdout, for failures too
#   --project-root DIR   the project; default: the repository one stands in
#
# Exit codes: 0 yes; 2 no to a tool call (that is what its hook wants), or wrong usage; 3 no to a commit.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command guard "$@"
