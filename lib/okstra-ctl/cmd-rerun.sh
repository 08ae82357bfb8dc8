#!/bin/sh
# cmd-rerun.sh RUN [options]: prepares the next run of a run's stage, in the same worktree; the same as `okstra run --again`.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_exec rerun "$@"
