#!/bin/sh
# Lists, reads and changes settings.
#
# Usage: okstra-ctl config list [options]
#        okstra-ctl config get SETTING [options]
#        okstra-ctl config set SETTING VALUE... [options]
#        okstra-ctl config unset SETTING [options]
#
#   list      every setting, with its value and meaning
#   get       one value, and nothing else
#   set       a wrong value is refused, and nothing is changed
#   unset     okstra's own choice holds again
#
# Options:
#   --project            the project's settings (.okstra/project.json), not this machine's
#   --json               one JSON object on stdout, for failures too
#   --project-root DIR   the project; default: the repository one stands in
#
# Exit codes: 0 done; 2 usage, or a value that can't be; 3 the value holds a secret; 65 the file can't be read.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command config "$@"
