#!/usr/bin/env bats
# Which Python the doors take, and what they say when there is none.

load helper

# no_python_path: a PATH with the tools the doors may need, and no Python at all.
no_python_path() {
  mkdir -p "$TMP/tools"
  ln -s "$BASH_PATH" "$(type -P env)" "$(type -P readlink)" "$TMP/tools/"
  echo "$TMP/tools"
}

@test "OKSTRA_PYTHON comes before all others" {
  make_python "$ROOT/.venv" 3.12.1
  echo 'echo venv' >>"$ROOT/.venv/bin/python"
  OKSTRA_PYTHON=$FAKE run -0 "$ROOT/bin/okstra" list
  equals "$(brackets list)" "$output"
}

@test "the checkout's .venv comes before what was recorded, and that before the home's" {
  export OKSTRA_HOME="$TMP/ok home"
  make_python "$OKSTRA_HOME/venv" 3.12.1
  FAKE_EXIT=1 run -1 "$ROOT/bin/okstra" list

  make_python "$TMP/recorded venv" 3.12.1
  printf '#!%s\nexit 42\n' "$BASH_PATH" >"$TMP/recorded venv/bin/python"
  printf '%s' "$TMP/recorded venv/bin/python" >"$OKSTRA_HOME/runtime"
  run -42 "$ROOT/bin/okstra" list

  make_python "$ROOT/.venv" 3.12.1
  printf '#!%s\nexit 43\n' "$BASH_PATH" >"$ROOT/.venv/bin/python"
  run -43 "$ROOT/bin/okstra" list
}

@test "the home is ~/.okstra when OKSTRA_HOME is not set" {
  make_python "$HOME/.okstra/venv" 3.12.1
  run -0 "$ROOT/bin/okstra" list
  equals "$(brackets list)" "$output"
}

@test "a recorded interpreter that is gone, or not absolute, is passed over" {
  make_python "$HOME/.okstra/venv" 3.12.1
  for recorded in "$TMP/gone" python "$TMP" ''; do
    echo "$recorded" >"$HOME/.okstra/runtime"
    run -0 "$ROOT/bin/okstra" list
    equals "$(brackets list)" "$output"
  done
}

@test "without a package folder the installed module is run" {
  rm -r "$ROOT/python"
  OKSTRA_PYTHON=$FAKE run -0 "$ROOT/bin/okstra" list
  equals "$(printf '[%s]\n' -I -X utf8 -m okstra_ctl list)" "$output"
}

@test "the common path starts no other program" {
  make_python "$ROOT/.venv" 3.12.1
  mkdir -p "$TMP/nowhere"
  ln -s "$BASH_PATH" "$TMP/nowhere/bash"
  PATH=$TMP/nowhere run -0 "$BASH_PATH" "$ROOT/bin/okstra" list
  equals "$(brackets list)" "$output"
  PATH=$TMP/nowhere run -0 "$BASH_PATH" "$ROOT/bin/okstra-ctl" list
  equals "$(brackets list)" "$output"
}

@test "no Python at all: 69, the error form, valid JSON" {
  run -69 --separate-stderr env PATH="$(no_python_path)" "$ROOT/bin/okstra" list --json
  contains "$stderr" "okstra: error: no Python 3.10 or newer with okstra's packages was found"
  contains "$stderr" "  where: looked at OKSTRA_PYTHON, $ROOT/.venv/bin/python, $HOME/.okstra/runtime"
  contains "$stderr" "  try: make setup"
  equals dependency-missing "$(json_error code "$output")"
  equals "no Python 3.10 or newer with okstra's packages was found" "$(json_error message "$output")"
}

@test "without --json nothing goes to stdout" {
  run -69 --separate-stderr env PATH="$(no_python_path)" "$ROOT/bin/okstra" list -- --json
  equals '' "$output"
}

@test "a python3 on PATH serves only if it is new enough and has the packages" {
  local tools
  tools=$(no_python_path)
  printf '#!%s\n[[ $2 == -c ]] && exit 1\necho served\n' "$BASH_PATH" >"$tools/python3"
  chmod +x "$tools/python3"
  run -69 env PATH="$tools" "$ROOT/bin/okstra" list
  printf '#!%s\n[[ $2 == -c ]] && exit 0\necho served\n' "$BASH_PATH" >"$tools/python3"
  run -0 env PATH="$tools" "$ROOT/bin/okstra" list
  equals served "$output"
}

@test "neither HOME nor OKSTRA_HOME set: still a clear error" {
  run -69 --separate-stderr env -u HOME PATH="$(no_python_path)" "$ROOT/bin/okstra" list
  contains "$stderr" "okstra: error: no Python"
  contains "$stderr" "$ROOT/.venv/bin/python, python3 on PATH"
  [[ $stderr != *unbound* ]]
}

@test "too old: 69 with its version, for OKSTRA_PYTHON in a venv or out of one, .venv, recorded and home" {
  make_python "$TMP/old" 3.9.18
  mkdir "$TMP/bare"
  cp "$TMP/old/bin/python" "$TMP/bare/python"
  mkdir "$HOME/.okstra"
  local tools
  tools=$(no_python_path)

  too_old() {
    run -69 --separate-stderr env PATH="$tools" "$@" "$ROOT/bin/okstra" list --json
    contains "$stderr" "okstra needs Python 3.10 or newer"
    contains "$stderr" "is Python 3.9.18"
    equals dependency-missing "$(json_error code "$output")"
  }
  too_old OKSTRA_PYTHON="$TMP/old/bin/python"
  too_old OKSTRA_PYTHON="$TMP/bare/python"
  echo "$TMP/old/bin/python" >"$HOME/.okstra/runtime"
  too_old
  rm "$HOME/.okstra/runtime"
  ln -s "$TMP/old" "$HOME/.okstra/venv"
  too_old
  ln -s "$TMP/old" "$ROOT/.venv"
  too_old
}

@test "versions are compared as numbers" {
  for version in 3.10.0 3.13.0rc1 3.100.1 4.0.0; do
    make_python "$ROOT/.venv" "$version"
    run -0 "$ROOT/bin/okstra" list
  done
  for version in 2.7.18 3.1.5 3.9.18; do
    make_python "$ROOT/.venv" "$version"
    run -69 "$ROOT/bin/okstra" list
  done
}

@test "OKSTRA_PYTHON that names nothing, a folder, a text, or no Python: 69, and no other Python is taken" {
  make_python "$ROOT/.venv" 3.12.1
  echo text >"$TMP/text"
  printf '#!/no/such/program\n' >"$TMP/broken"
  chmod +x "$TMP/broken"
  for wrong in "$TMP/nothing" "$TMP" "$TMP/text" "$TMP/broken" no-such-program; do
    OKSTRA_PYTHON=$wrong run -69 --separate-stderr "$ROOT/bin/okstra" list --json
    contains "$stderr" "okstra: error: "
    equals dependency-missing "$(json_error code "$output")"
    equals "$wrong" "$(json_error where "$output")"
  done
}

@test "OKSTRA_PYTHON may be a name on the PATH" {
  PATH=$TMP/fake/bin:$PATH OKSTRA_PYTHON=python run -0 "$ROOT/bin/okstra" list
  equals "$(brackets list)" "$output"
}

@test "a .venv whose Python is gone is named, not passed over" {
  mkdir -p "$ROOT/.venv/bin"
  ln -s "$TMP/gone" "$ROOT/.venv/bin/python"
  make_python "$HOME/.okstra/venv" 3.12.1
  run -69 "$ROOT/bin/okstra" list
  contains "$output" "the Python behind the checkout's .venv is gone"
}

@test "JSON stays valid whatever a path holds" {
  local odd=$'/q"b\\s\n\t\e[1m\x7f한글 😀/'
  OKSTRA_PYTHON=$odd run -69 --separate-stderr "$ROOT/bin/okstra" list --json
  equals "$odd" "$(json_error where "$output")"
  equals 3 "$(printf '%s\n' "$stderr" | wc -l | tr -d ' ')"

  OKSTRA_PYTHON=$'/\xff\xc3(\xe2\x82' run -69 --separate-stderr "$ROOT/bin/okstra" list --json
  equals '/��(��' "$(json_error where "$output")"
}

@test "a bash of Windows is told that okstra runs in WSL, in one line and as JSON" {
  export OKSTRA_PYTHON=$FAKE
  for system in msys cygwin; do
    OSTYPE=$system run -69 "$ROOT/bin/okstra" list
    [[ $output == "okstra: error: okstra runs on Linux and macOS; on Windows it runs in WSL"* ]]
    OSTYPE=$system run -69 --separate-stderr "$ROOT/bin/okstra" list --json
    [[ $output == *'"code": "dependency-missing"'* ]]
  done
}
