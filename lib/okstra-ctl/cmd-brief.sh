#!/bin/sh
# Makes, checks and shows briefs.
#
# Usage: okstra-ctl brief new [--title TEXT] [--from FILE] [--task-key KEY | --output FILE] [options]
#        okstra-ctl brief check BRIEF [options]
#        okstra-ctl brief show BRIEF [options]
#
#   new       a brief with the sections that the phases go by; printed, unless a place is named
#   check     what is missing, with its line
#   show      one brief; with --json by its sections
#
# BRIEF is a file, or the key of a task.
#
# Options:
#   --category C         feature, bugfix, refactor, ops, improvement, docs or chore
#   --language en|ko     of the headings
#   --json               one JSON object on stdout, for failures too
#   --project-root DIR   the project; default: the repository one stands in
#
# Exit codes: 0 done; 2 usage; 3 a file stands there already; 4 the brief lacks something.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command brief "$@"
