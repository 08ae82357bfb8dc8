#!/bin/sh
# okstra-gemini-exec.sh PROJECT_ROOT MODEL PROMPT WORKTREE ROLE: one worker of a run, in a headless gemini.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
set -euo pipefail

self=${BASH_SOURCE[0]}
[[ $self == */* ]] || self=./$self
while [[ -L $self ]]; do # npm puts a symlink on the PATH, and macOS has no readlink -f
  target=$(readlink "$self")
  [[ $target == /* ]] || target=${self%/*}/$target
  self=$target
done
# shellcheck source=lib/okstra/runtime.sh
. "${self%/*}/../lib/okstra/runtime.sh"

okstra_exec worker exec gemini "$@"
