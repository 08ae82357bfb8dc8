#!/bin/sh
# Shows one run: its status, stage, worktree, branch and files.
#
# Usage: okstra-ctl show RUN [options]
#
# RUN is a run id, as `okstra-ctl list` prints it.
#
# Options:
#   --json               one JSON object on stdout, for failures too
#
# Exit codes: 0 shown; 2 usage, or no such run; 65 a state file can't be read.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command show "$@"
