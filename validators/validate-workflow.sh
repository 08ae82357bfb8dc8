#!/bin/sh
# Checks the records of several runs, one after the other: a door to `okstra check run RUN`.
#
# Usage: validate-workflow.sh RUN...
#
# Exit codes: 0 all in order; 2 usage; else that of the last run with something wrong (4: each finding is printed).

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail

here=${BASH_SOURCE[0]%/*}
[[ $here != "${BASH_SOURCE[0]}" ]] || here=.

if [[ $# -eq 0 || ${1:-} == --help ]]; then
  sed -n '2,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
  [[ $# -gt 0 ]] || exit 2
  exit 0
fi

worst=0
for run in "$@"; do
  "$here/../bin/okstra" check run "$run" || worst=$?
done
exit "$worst"
