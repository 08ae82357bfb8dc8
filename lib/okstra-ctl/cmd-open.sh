#!/bin/sh
# Opens the HTML report of a run, or the newest of a task; without one, the folder.
#
# Usage: okstra-ctl open RUN|TASK [options]
#
# Options:
#   --print              print the path, open nothing
#   --json               one JSON object on stdout, for failures too; opens nothing
#
# At a terminal it is opened with $BROWSER, else with xdg-open or open. Anywhere
# else the path is printed.
#
# Exit codes: 0 opened or printed; 2 usage, or no such run or task; 65 a state
# file can't be read.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command open "$@"
