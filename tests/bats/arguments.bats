#!/usr/bin/env bats
# What a person types arrives whole at the core, and what the core answers comes back.

load helper

hostile=(--directive 'two words' '' '*' '$HOME' $'two\nlines' $'tab\there' '"quoted"' "it's" 'back\slash' '한국어' $'\xff' -- -rf '~' '!!' '{a,b}')

@test "okstra hands every argument on whole" {
  export OKSTRA_PYTHON=$FAKE
  run "$ROOT/bin/okstra" "${hostile[@]}"
  equals "$(brackets "${hostile[@]}")" "$output"
}

@test "okstra without arguments hands on none" {
  OKSTRA_PYTHON=$FAKE run "$ROOT/bin/okstra"
  equals "$(brackets)" "$output"
}

@test "okstra.sh hands every argument on whole to run" {
  export OKSTRA_PYTHON=$FAKE
  run "$ROOT/bin/okstra.sh" "${hostile[@]}"
  equals "$(brackets run "${hostile[@]}")" "$output"
}

@test "the doors of the clients hand every argument on whole to worker exec" {
  export OKSTRA_PYTHON=$FAKE
  for client in codex gemini; do
    run "$ROOT/bin/okstra-$client-exec.sh" "${hostile[@]}"
    equals "$(brackets worker exec "$client" "${hostile[@]}")" "$output"
  done
}

@test "okstra-ctl hands every argument on whole to the command" {
  export OKSTRA_PYTHON=$FAKE
  run "$ROOT/bin/okstra-ctl" list "${hostile[@]}"
  equals "$(brackets list "${hostile[@]}")" "$output"
}

@test "a command file run by itself hands every argument on whole" {
  export OKSTRA_PYTHON=$FAKE
  run "$ROOT/lib/okstra-ctl/cmd-worktree.sh" "${hostile[@]}"
  equals "$(brackets worktree "${hostile[@]}")" "$output"
}

@test "the core's exit code passes through every door" {
  export OKSTRA_PYTHON=$FAKE
  for status in 0 1 2 3 4 65 69 70 75 130; do
    export FAKE_EXIT=$status
    run -"$status" "$ROOT/bin/okstra" list
    run -"$status" "$ROOT/bin/okstra.sh" --yes
    run -"$status" "$ROOT/bin/okstra-ctl" list
  done
}

@test "the doors keep their process id, which marks who holds a stage" {
  export OKSTRA_PYTHON=$FAKE FAKE_PID=$TMP/pid
  for door in okstra okstra.sh okstra-ctl; do
    "$ROOT/bin/$door" list >/dev/null &
    wait "$!"
    equals "$!" "$(<"$FAKE_PID")"
  done
}

@test "stdin reaches the core untouched" {
  printf '#!%s\nread -r line; echo "<$line>"\n' "$BASH_PATH" >"$FAKE"
  OKSTRA_PYTHON=$FAKE run "$ROOT/bin/okstra" wizard < <(echo '  an answer')
  equals '<an answer>' "$output"
}

@test "okstra.sh without arguments asks only at a terminal" {
  export OKSTRA_PYTHON=$FAKE
  run "$ROOT/bin/okstra.sh" </dev/null
  equals "$(brackets run)" "$output"
  run real_python -c 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)' "$ROOT/bin/okstra.sh" </dev/null
  equals "$(brackets run --ask)" "${output//$'\r'/}"
}

@test "install and uninstall say that they come later" {
  for name in install uninstall; do
    OKSTRA_PYTHON=/nowhere run -69 --separate-stderr "$ROOT/bin/okstra" --project-root install "$name" --json
    contains "$stderr" "okstra: error: \`okstra $name\` is not in this version"
    contains "$stderr" "make setup"
    equals dependency-missing "$(json_error code "$output")"
  done
  OKSTRA_PYTHON=$FAKE run -0 "$ROOT/bin/okstra" list install
  equals "$(brackets list install)" "$output"
}
