#!/usr/bin/env bash
# Loaded by every bats file: a sealed home, an installation of the doors alone, and a fake interpreter as the core.

bats_require_minimum_version 1.5.0

CHECKOUT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd -P)
BASH_PATH=$(type -P bash)

setup() {
  local folder
  folder=$(cd "$BATS_TEST_TMPDIR" && pwd -P)
  export HOME=$folder/home
  unset OKSTRA_HOME OKSTRA_PYTHON OKSTRA_DEBUG
  mkdir -p "$HOME"
  make_doors "$folder/okstra"
  make_python "$folder/fake" 3.12.1
  export TMP=$folder ROOT=$folder/okstra FAKE=$folder/fake/bin/python
}

# make_doors FOLDER: an installation with the doors and an empty core.
make_doors() {
  mkdir -p "$1/python/okstra_ctl"
  cp -R "$CHECKOUT/bin" "$CHECKOUT/lib" "$1/"
  : >"$1/python/okstra_ctl/__main__.py"
}

# make_python VENV VERSION: a virtual environment whose interpreter prints each argument in brackets, exits with
# $FAKE_EXIT, and answers the question for its version as Python would.
make_python() {
  mkdir -p "$1/bin"
  printf 'home = /usr/bin\nversion = %s\n' "$2" >"$1/pyvenv.cfg"
  cat >"$1/bin/python" <<END
#!$BASH_PATH
if [[ \$1 == -E ]]; then echo $2; exit; fi
printf '[%s]\n' "\$@"
[[ -z \${FAKE_PID:-} ]] || echo "\$\$" >"\$FAKE_PID"
exit "\${FAKE_EXIT:-0}"
END
  chmod +x "$1/bin/python"
}

# brackets ARGS…: what the fake core prints when it got these arguments from the doors in $ROOT.
brackets() {
  printf '[%s]\n' -I -X utf8 "$ROOT/python/okstra_ctl/__main__.py" "$@"
}

# equals WANTED GOT: fails with both, readably.
equals() {
  if [[ $1 != "$2" ]]; then
    printf 'wanted:\n%s\ngot:\n%s\n' "$1" "$2" >&2
    return 1
  fi
}

# contains TEXT PART: fails with the text when PART is not in it.
contains() {
  if [[ $1 != *"$2"* ]]; then
    printf 'wanted somewhere:\n%s\ngot:\n%s\n' "$2" "$1" >&2
    return 1
  fi
}

# real_python ARGS…: a Python that runs, for reading JSON and making terminals.
real_python() {
  if [[ -x $CHECKOUT/.venv/bin/python ]]; then
    "$CHECKOUT/.venv/bin/python" -I "$@"
  else
    python3 -I "$@"
  fi
}

# json_error FIELD TEXT: checks that TEXT is the envelope of every --json answer, and prints a field of its only error.
json_error() {
  printf '%s' "$2" | real_python -c '
import json, sys
answer = json.loads(sys.stdin.buffer.read().decode())
assert list(answer) == ["okstra", "status", "data", "errors"], answer
assert (answer["okstra"], answer["status"], answer["data"]) == ("okstra/1", "error", {}), answer
(error,) = answer["errors"]
assert list(error) == ["code", "message", "where", "try"], error
sys.stdout.buffer.write(error[sys.argv[1]].encode())' "$1"
}
