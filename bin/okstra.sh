#!/bin/sh
# okstra.sh: starts a run, for people. At a terminal the core asks for what the flags leave open.

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

# Questions are asked on stderr and answered on stdin; the core says what is missing when nobody is there.
if [[ -t 0 && -t 2 ]]; then
  okstra_exec run --ask "$@"
fi

okstra_exec run "$@"
