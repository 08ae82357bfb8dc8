#!/bin/sh
# Shows the commands that the project's settings run, and keeps that you trust them.
#
# Usage: okstra-ctl trust [--show | --yes] [options]
#
# Options:
#   --show               only shows them, and whether they are trusted
#   --yes                asks nothing
#   --json               one JSON object on stdout, for failures too
#   --project-root DIR   the project; default: the one that one stands in
#
# Exit codes: 0 trusted, shown, or nothing to trust; 2 usage; 3 refused, a no, or nobody to ask;
# 69 something needed is missing.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command trust "$@"
