#!/bin/sh
# Tells what went wrong in runs: workers that failed, timed out or answered what can't be used.
#
# Usage: okstra-ctl error-log [RUN] [options]
#
# RUN is a run id, as `okstra-ctl list` prints it; without it, all runs are looked at.
#
# Options:
#   --project ID         runs of this project only
#   --task-key KEY       runs of this task only
#   --since WHEN         90m, 3h, 2d, 1w, or a day like 2026-11-23
#   --kind KIND          error, timeout, invalid-result, not-run, rate-limit, overloaded, login,
#                        denied, interrupted or client
#   --limit N            the newest N only
#   --json               one JSON object on stdout, for failures too
#
# Exit codes: 0 told; 2 usage, or no such run; 65 a state file can't be read.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command error-log "$@"
