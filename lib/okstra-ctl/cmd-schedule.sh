#!/bin/sh
# What is left of the project's open tasks, in rounds, as markdown.
#
# Usage: okstra-ctl schedule [--task-key KEY]... [--jobs N] [options]
#
# Options:
#   --task-key KEY       this task only; may be repeated
#   --jobs N             how many units are done at once; default: all that can be
#   --json               one JSON object on stdout, for failures too
#   --project-root DIR   the project; default: the repository one stands in
#
# Nothing is written.
#
# Exit codes: 0 printed; 2 usage; 65 the task catalog can't be read; 69 no project.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command schedule "$@"
