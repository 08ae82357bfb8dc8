#!/bin/sh
# Tells tokens and cost, by worker and by model; what is not known is said as unknown, never as zero.
#
# Usage: okstra-ctl usage [RUN] [options]
#
# RUN is a run id, as `okstra-ctl list` prints it; without it, all runs are summed by task.
#
# Options:
#   --task-key KEY       every run of this task, worker by worker
#   --project ID         runs of this project only
#   --since WHEN         90m, 3h, 2d, 1w, or a day like 2026-11-23 (all tasks: 30d)
#   --json               one JSON object on stdout, for failures too
#
# Exit codes: 0 told; 2 usage, or no such run; 65 a state file can't be read.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command usage "$@"
