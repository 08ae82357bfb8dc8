#!/bin/sh
# Notes kept across projects, in okstra's home.
#
# Usage: okstra-ctl memory list [--project ID] [--tag WORD] [options]
#        okstra-ctl memory show NOTE [options]
#        okstra-ctl memory add --title TEXT (--text TEXT | --from FILE) [--project ID] [--tag WORD]... [options]
#        okstra-ctl memory search WORD... [--project ID] [--tag WORD] [options]
#        okstra-ctl memory remove NOTE [options]
#
#   list      every note, the oldest first
#   show      one note
#   add       keeps a note; one with a key or a password in it is refused
#   search    notes that have all the words, the best first
#   remove    removes a note, and prints it for the last time
#
# Options:
#   --json               one JSON object on stdout, for failures too
#
# Exit codes: 0 done; 2 usage; 3 the note holds a secret; 65 a note can't be read.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command memory "$@"
