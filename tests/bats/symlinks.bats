#!/usr/bin/env bats
# The doors find their root however they are reached: npm puts symlinks on the PATH.

load helper

setup_file() {
  unset CDPATH
}

@test "by a symlink in another folder" {
  mkdir "$TMP/on path"
  export OKSTRA_PYTHON=$FAKE
  for door in okstra okstra.sh okstra-ctl; do
    ln -s "$ROOT/bin/$door" "$TMP/on path/$door"
  done
  PATH="$TMP/on path:$PATH" run -0 okstra list
  equals "$(brackets list)" "$output"
  PATH="$TMP/on path:$PATH" run -0 okstra.sh --yes
  equals "$(brackets run --yes)" "$output"
  PATH="$TMP/on path:$PATH" run -0 okstra-ctl show 1
  equals "$(brackets show 1)" "$output"
}

@test "by a relative symlink, as npm makes it" {
  mkdir -p "$TMP/node_modules/.bin"
  mv "$ROOT" "$TMP/node_modules/okstra"
  ROOT=$TMP/node_modules/okstra
  ln -s ../okstra/bin/okstra "$TMP/node_modules/.bin/okstra"
  OKSTRA_PYTHON=$FAKE run -0 "$TMP/node_modules/.bin/okstra" list
  equals "$(brackets list)" "$output"
}

@test "by a chain of symlinks, absolute and relative" {
  mkdir "$TMP/a" "$TMP/b"
  ln -s "$ROOT/bin/okstra" "$TMP/a/first"
  ln -s ../a/first "$TMP/b/second"
  ln -s b/second "$TMP/third"
  export OKSTRA_PYTHON=$FAKE
  run -0 "$TMP/third" list
  equals "$(brackets list)" "$output"
  cd "$TMP/b"
  run -0 ./second list
  equals "$(brackets list)" "$output"
}

@test "by a symlinked folder" {
  ln -s "$ROOT/bin" "$TMP/linked"
  OKSTRA_PYTHON=$FAKE run -0 "$TMP/linked/okstra-ctl" list
  contains "$output" "[list]"
}

@test "in a folder with spaces, Korean, globs and a newline" {
  local folder=$TMP/$'my 작업 [x]*\n-r'
  mkdir "$folder"
  mv "$ROOT" "$folder/okstra"
  ROOT=$folder/okstra
  ln -s "$ROOT/bin/okstra" "$TMP/link"
  export OKSTRA_PYTHON=$FAKE
  for door in "$ROOT/bin/okstra" "$ROOT/bin/okstra-ctl" "$TMP/link"; do
    run -0 "$door" list
    equals "$(brackets list)" "$output"
  done
}

@test "by relative paths, from every folder on the way" {
  export OKSTRA_PYTHON=$FAKE
  for try in ".:okstra/bin/okstra" ".:./okstra/bin/okstra" "okstra:bin/okstra" "okstra/bin:./okstra" \
    "okstra/lib:../bin/okstra" "okstra/lib/okstra-ctl:./cmd-rerun.sh" "okstra/lib:okstra-ctl/cmd-rerun.sh"; do
    cd "$TMP/${try%%:*}"
    run -0 "${try#*:}" list
    contains "$output" "[$ROOT/python/okstra_ctl/__main__.py]"
  done
  cd "$ROOT/bin"
  run -0 bash okstra list
  equals "$(brackets list)" "$output"
}

@test "CDPATH and a hostile PWD change nothing" {
  cd "$ROOT/bin"
  CDPATH=$TMP:/ OKSTRA_PYTHON=$FAKE run -0 ../bin/okstra list
  equals "$(brackets list)" "$output"
}
