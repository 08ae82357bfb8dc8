#!/bin/sh
# What is in work over all projects, the most urgent first, with the next step.
#
# Usage: okstra-ctl status [options]
#
# Options:
#   --project ID         runs of this project only
#   --task-key KEY       runs of this task only
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
okstra_command status "$@"
