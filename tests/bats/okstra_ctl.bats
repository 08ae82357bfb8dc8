#!/usr/bin/env bats
# okstra-ctl: one file a command, found by its name; its header is its help.

load helper

commands() {
  local file
  for file in "$ROOT"/lib/okstra-ctl/cmd-*.sh; do
    file=${file##*/cmd-}
    echo "${file%.sh}"
  done
}

@test "every command reaches the core under its own name" {
  export OKSTRA_PYTHON=$FAKE
  for name in $(commands); do
    run -0 "$ROOT/bin/okstra-ctl" "$name" --json
    equals "$(brackets "$name" --json)" "$output"
  done
}

@test "alone, help, --help and -h list every command with its first line, and need no Python" {
  export OKSTRA_PYTHON=/nowhere
  run -0 "$ROOT/bin/okstra-ctl"
  local alone=$output
  for name in $(commands); do
    contains "$alone" "  $name "
    contains "$alone" "$(sed -n '2s/^# //p' "$ROOT/lib/okstra-ctl/cmd-$name.sh")"
  done
  for word in help --help -h; do
    run -0 "$ROOT/bin/okstra-ctl" "$word"
    equals "$alone" "$output"
  done
}

@test "help NAME, NAME --help and the file's own --help print its header" {
  export OKSTRA_PYTHON=/nowhere
  for name in $(commands); do
    run -0 "$ROOT/bin/okstra-ctl" help "$name"
    local help=$output
    contains "$help" "Usage: okstra-ctl $name"
    [[ $help != *'#!'* && $help != *runtime.sh* ]]
    run -0 "$ROOT/bin/okstra-ctl" "$name" --help
    equals "$help" "$output"
    run -0 "$ROOT/lib/okstra-ctl/cmd-$name.sh" -h
    equals "$help" "$output"
  done
}

@test "a --help behind a sub-command is the core's to answer" {
  OKSTRA_PYTHON=$FAKE run -0 "$ROOT/bin/okstra-ctl" plan check --help
  equals "$(brackets plan check --help)" "$output"
}

@test "a new file is a new command" {
  sed 's/okstra_command list/okstra_command gc/' "$ROOT/lib/okstra-ctl/cmd-list.sh" >"$ROOT/lib/okstra-ctl/cmd-gc.sh"
  OKSTRA_PYTHON=$FAKE run -0 "$ROOT/bin/okstra-ctl" gc
  equals "$(brackets gc)" "$output"
}

@test "an unknown name: 2, with near names first and all names behind" {
  run -2 --separate-stderr "$ROOT/bin/okstra-ctl" worktrees
  equals '' "$output"
  contains "$stderr" 'okstra: error: okstra-ctl has no command `worktrees`'
  contains "$stderr" "worktree? one of: backfill, batch, board, brief, check-project, check, "
  run -2 --separate-stderr "$ROOT/bin/okstra-ctl" help zzz
  contains "$stderr" "  try: one of: backfill, batch, board, brief, check-project, check, "
}

@test "an unknown name with --json: one valid object" {
  run -2 --separate-stderr "$ROOT/bin/okstra-ctl" 'no "such' --json
  equals usage "$(json_error code "$output")"
  equals 'okstra-ctl has no command `no "such`' "$(json_error message "$output")"
}

@test "a name can't lead out of the folder" {
  printf 'echo escaped\n' >"$ROOT/lib/okstra-ctl/escaped.sh"
  mkdir "$ROOT/lib/okstra-ctl/cmd-x"
  for name in x/../escaped ../okstra/runtime '*' 'l?st' '' $'list\n' --all; do
    run -2 "$ROOT/bin/okstra-ctl" "$name"
    contains "$output" "has no command"
  done
}
