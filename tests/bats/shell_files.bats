#!/usr/bin/env bats
# What holds for every shell file: form, bash 3.2, and agreement with the Python side.

load helper

@test "every door is executable and finds its root with the same lines" {
  local first='' lines
  for door in "$CHECKOUT/bin/okstra" "$CHECKOUT/bin/okstra.sh" "$CHECKOUT/bin/okstra-ctl" "$CHECKOUT"/bin/okstra-*-exec.sh; do
    [[ -x $door ]]
    lines=$(sed -n '/^set -euo pipefail/,/runtime.sh"$/p' "$door")
    [[ -n $lines ]]
    equals "${first:=$lines}" "$lines"
  done
}

@test "every door starts bash so that nothing of the caller's start files, functions or CDPATH comes in" {
  for door in "$CHECKOUT"/bin/okstra* "$CHECKOUT"/lib/okstra-ctl/cmd-*.sh "$CHECKOUT"/validators/*.sh; do
    echo "$door" >&2
    equals '#!/bin/sh' "$(head -n 1 "$door")"
    first=$(grep -v -e '^#' -e '^$' "$door" | head -n 1)
    contains "$first" 'case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac'
  done
}

@test "no shell file needs more than bash 3.2" {
  local newer='(declare|local|typeset|readonly) -[a-zA-Z]*[An]|mapfile|readarray|coproc|globstar|lastpipe|wait -n|-v [a-z_]+ \]\]'
  newer+='|&>>|\|&|;;&|;&|\$\{[A-Za-z_0-9@*]+(\^|,|@[A-Za-z]\})|printf .*%\(|EPOCH|BASHPID|read .*-[a-z]*[Ni] |\{[a-z]+\}[<>]|readlink -f|realpath'
  for file in "$CHECKOUT"/bin/okstra* "$CHECKOUT"/lib/*/*.sh; do
    run -1 grep -nE "$newer" <(sed 's/^ *#.*//; s/ # .*//' "$file")
  done
}

@test "a code word that the shell prints is one of the core's, with the same exit status" {
  local words=$CHECKOUT/python/okstra_ctl/errors.py
  for code in $(grep -ohwE 'die [a-z][a-z-]+' "$CHECKOUT"/bin/* "$CHECKOUT"/lib/*/*.sh | sort -u | cut -d' ' -f2); do
    echo "$code" >&2
    constant=$(sed -n "s/^ *\"$code\": ErrorCode(\(EXIT_[A-Z]*\),.*/\1/p" "$words")
    [[ -n $constant ]]
    run bash -c '. "$1" && die "$2" message' - "$CHECKOUT/lib/okstra/runtime.sh" "$code"
    equals "$(sed -n "s/^$constant = //p" "$words")" "$status"
  done
}

@test "the slow path asks for every package that pyproject.toml names" {
  for package in $(sed -n '/^dependencies = \[/,/^\]/s/^ *"\([a-z0-9-]*\).*/\1/p' "$CHECKOUT/pyproject.toml"); do
    module=${package%-py}
    contains "$(<"$CHECKOUT/lib/okstra/runtime.sh")" "\"${module//-/_}\""
  done
}

@test "the npm package names the same version as the Python package, and its lock file no host" {
  version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' "$CHECKOUT/python/okstra_ctl/__init__.py")
  contains "$(<"$CHECKOUT/package.json")" "\"version\": \"$version\""
  run -1 grep -E '"resolved"|://' "$CHECKOUT/package-lock.json"
}
