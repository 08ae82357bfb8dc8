#!/bin/sh
# Makes a report's pages anew, tells whether they are up to date, finds reports.
#
# Usage: okstra-ctl report render RUN [options]
#        okstra-ctl report views RUN [options]
#        okstra-ctl report find [--task-key KEY] [--type T] [options]
#
#   render   writes the markdown and the HTML page from the report's data; a plan's approval is kept
#   views    where the pages are, and whether they are what the data gives
#   find     the project's reports, the newest first
#
# Options:
#   --json               one JSON object on stdout, for failures too
#   --project-root DIR   the project; default: the repository one stands in
#
# Exit codes: 0 done; 2 usage, or no such run or report; 4 a page is not what the data gives; 65 unreadable.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command report "$@"
