#!/bin/sh
# Runs one worker of a prepared run in its provider's headless client.
#
# Usage: okstra-ctl worker exec PROVIDER ROOT MODEL PROMPT WORKTREE ROLE [options]
#
# For a lead that is a person's session: same limits, log and checks as in a run that okstra leads itself.
# In tmux a pane shows the worker's log while it works.
#
# Options:
#   --json               one JSON object on stdout, for failures too
#
# Exit codes: 0 a valid result is there; 1 none is, the log says why; 2 usage; 3 refused; 130 stopped.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command worker "$@"
