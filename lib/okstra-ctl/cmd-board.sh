#!/bin/sh
# A live view of what is in work: runs, stages as a graph, workers, cost.
#
# Usage: okstra-ctl board [options]
#
# Options:
#   --project ID         runs of this project only
#   --task-key KEY       runs of this task only
#   --every S            seconds between two looks; default: 2
#   --once               print it once, and end
#   --html FILE          write it as a page; with --every, again and again
#   --language en|ko     of the page
#   --json               one JSON object on stdout, for failures too
#
# Drawn in place at a terminal until q is pressed; printed once when piped.
#
# Exit codes: 0 shown; 2 usage; 65 a state file can't be read; 130 interrupted.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command board "$@"
