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

@test "okstra-ctl hands every argument on whole to the core" {
  export OKSTRA_PYTHON=$FAKE
  for word in list help rerun no-such-command; do
    run "$ROOT/bin/okstra-ctl" "$word" "${hostile[@]}"
    equals "$(brackets "$word" "${hostile[@]}")" "$output"
  done
}

@test "cmd-rerun.sh hands every argument on whole to rerun" {
  export OKSTRA_PYTHON=$FAKE
  run "$ROOT/lib/okstra-ctl/cmd-rerun.sh" "${hostile[@]}"
  equals "$(brackets rerun "${hostile[@]}")" "$output"
}

@test "the core's exit code passes through every door" {
  export OKSTRA_PYTHON=$FAKE
  for status in 0 1 2 3 4 65 69 70 75 130; do
    export FAKE_EXIT=$status
    run -"$status" "$ROOT/bin/okstra" list
    run -"$status" "$ROOT/bin/okstra.sh" --yes
    run -"$status" "$ROOT/bin/okstra-ctl" list
    run -"$status" "$ROOT/lib/okstra-ctl/cmd-rerun.sh" RUN
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

@test "okstra.sh asks only at a terminal" {
  export OKSTRA_PYTHON=$FAKE
  run "$ROOT/bin/okstra.sh" </dev/null
  equals "$(brackets run)" "$output"
  run real_python -c 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)' "$ROOT/bin/okstra.sh" </dev/null
  equals "$(brackets run --ask)" "${output//$'\r'/}"
  run real_python -c 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)' "$ROOT/bin/okstra.sh" --directive -- x </dev/null
  equals "$(brackets run --ask --directive -- x)" "${output//$'\r'/}"
}

@test "install and uninstall hand every argument on whole to Node" {
  mkdir "$TMP/tools"
  printf '#!%s\nprintf "[%%s]\\n" "$@"\n' "$BASH_PATH" >"$TMP/tools/node"
  chmod +x "$TMP/tools/node"
  for name in install uninstall; do
    PATH=$TMP/tools:$PATH run -0 "$ROOT/bin/okstra" --project-root install "$name" "${hostile[@]}"
    equals "$(printf '[%s]\n' "$ROOT/src/main.js" --project-root install "$name" "${hostile[@]}")" "$output"
  done
  OKSTRA_PYTHON=$FAKE run -0 "$ROOT/bin/okstra" list install
  equals "$(brackets list install)" "$output"
}

@test "install without a node on the PATH: 69, the error form, valid JSON" {
  mkdir -p "$TMP/nowhere"
  ln -s "$BASH_PATH" "$TMP/nowhere/bash"
  for name in install uninstall; do
    run -69 --separate-stderr env PATH="$TMP/nowhere" "$BASH_PATH" "$ROOT/bin/okstra" "$name" --json
    contains "$stderr" "okstra: error: \`okstra $name\` needs Node.js 18 or newer"
    contains "$stderr" "  try: install Node.js 18 or newer"
    equals dependency-missing "$(json_error code "$output")"
  done
}
