#!/bin/sh
# Registers the repository one stands in as a project.
#
# Usage: okstra-ctl setup --project-id ID [--yes] [options]
#
# Options:
#   --project-id ID      the name that the project's task keys begin with
#   --yes                asks nothing
#   --json               one JSON object on stdout, for failures too
#   --project-root DIR   the project; default: the repository one stands in
#
# Exit codes: 0 registered; 2 usage; 3 refused, the folder is registered under another id;
# 69 something needed is missing.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command setup "$@"
