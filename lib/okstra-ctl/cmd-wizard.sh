#!/bin/sh
# Asks for a run's inputs, step by step, in JSON; for skills and other programs.
#
# Usage: okstra-ctl wizard init [--language en] [--known ID=VALUE]
#        okstra-ctl wizard step --state PATH --answer TEXT
#        okstra-ctl wizard render-args --state PATH
#        okstra-ctl wizard confirmation --state PATH
#
# Options:
#   --language en/ko     default: the project's report language
#   --known ID=VALUE     an answer that is known; may be repeated
#   --state PATH         the conversation, as init answered it
#   --answer TEXT        a value of the options, or text; __back__ takes the last answer back
#   --json               one JSON object on stdout, for failures too
#   --project-root DIR   the project; default: the repository one stands in
#
# Exit codes: 0 asked, or answered; 2 usage; 3 refused: questions are open, or the person said no.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command wizard "$@"
