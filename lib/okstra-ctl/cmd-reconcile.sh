#!/bin/sh
# Tells what dead runs and lost files left, and with --apply puts it right.
#
# Usage: okstra-ctl reconcile [options]
#
# Options:
#   --apply              put right what can be put right without losing anything
#   --rebuild            make an unreadable or lost registry anew from git, ledgers and manifests
#   --json               one JSON object on stdout, for failures too
#   --project-root DIR   the project; default: the repository one stands in
#
# Exit codes: 0 all is well, or was put right; 4 something is left to do; 65 the registry can't be read.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command reconcile "$@"
