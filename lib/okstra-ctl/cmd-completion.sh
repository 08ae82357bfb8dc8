#!/bin/sh
# Completion at the command line.
#
# Usage: okstra-ctl completion bash|zsh|fish [options]
#        okstra-ctl completion tasks|runs|notes [options]
#
#   bash      in ~/.bashrc: eval "$(okstra completion bash)"
#   zsh       in ~/.zshrc: eval "$(okstra completion zsh)"
#   fish      once: okstra completion fish > ~/.config/fish/completions/okstra.fish
#
# The scripts ask for tasks, runs and notes themselves.
#
# Options:
#   --json               one JSON object on stdout, for failures too
#
# Exit codes: 0 printed; 2 usage.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail
# shellcheck source=lib/okstra/runtime.sh
. "${BASH_SOURCE[0]%/*}/../okstra/runtime.sh"
okstra_command completion "$@"
