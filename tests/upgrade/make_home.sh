#!/usr/bin/env bash
# Makes home-0.1.0.tar.gz anew: what `okstra install` of 0.1.0 puts into a home.
# usage: make_home.sh CHECKOUT-OF-0.1.0 PYTHON; the home is written as @PLACE@, the Python as one that is there no more.
set -euo pipefail

old=$1 python=$2 here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) gone=/opt/okstra-0.1.0/.venv/bin/python
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT

digest() {
  "$python" -I -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$1"
}

env -i PATH="$PATH" HOME="$home" OKSTRA_PYTHON="$python" node "$old/src/main.js" install
before=$(digest "$home/.okstra/runtime")
printf '%s\n' "$gone" >"$home/.okstra/runtime"
after=$(digest "$home/.okstra/runtime")
for record in "$home"/.okstra/installed-*.json; do
  sed -e "s|$home|@PLACE@|g" -e "s|$python|$gone|g" -e "s|$before|$after|g" "$record" >"$record.new"
  mv "$record.new" "$record"
done
tar -C "$home" -czf "$here/home-0.1.0.tar.gz" .claude .okstra
