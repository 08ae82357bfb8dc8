#!/bin/sh
# Prepares or runs several tasks, or all ready stages of a task's plan, side by side.
#
# Usage: okstra-ctl batch FILE [options]
#        okstra-ctl batch --task-key KEY [--task-key KEY] --with="--task-type T" [options]
#        okstra-ctl batch --ready-stages KEY [options]
#
# Options:
#   --jobs N             runs at once (default 2)
#   --with=FLAGS         what every run gets besides, e.g. --with=--render-only
#   --dry-run            print the commands; start nothing
#   --json               one JSON object on stdout, for failures too
#   --project-root DIR   the project; default: the repository one stands in
#
# Exit codes: 0 all went well; 1 a run failed or was refused; 2 usage: nothing was started; 130 interrupted.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command batch "$@"
