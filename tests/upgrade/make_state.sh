#!/usr/bin/env bash
# Makes state-0.1.0.tar.gz anew: what okstra 0.1.0 leaves of two tasks that are under way.
# usage: make_state.sh CHECKOUT-OF-0.1.0 PYTHON; the state's place is written as @PLACE@ in the text files, its host as @HOST@.
set -euo pipefail

old=$1 python=$2 here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
mkdir "$place/home" "$place/project"

okstra() {
  (cd "$place/project" && env -i PATH="$PATH" HOME="$place/home" OKSTRA_HOME="$place/home/.okstra" LANG=C.UTF-8 \
    OKSTRA_PYTHON="$python" GIT_CONFIG_GLOBAL=/dev/null "$old/bin/okstra" "$@")
}
repo() {
  git -C "$place/project" -c user.name=Test -c user.email=test@example.invalid "$@"
}
commit_in() { # WORKTREE FILE TEXT
  mkdir -p "$(dirname "$1/$2")"
  printf '%s\n' "$3" >"$1/$2"
  git -C "$1" add "$2"
  git -C "$1" -c user.name=Test -c user.email=test@example.invalid commit -qm "Write $2"
}

repo init -q -b main
repo config user.name Test
repo config user.email test@example.invalid
printf '# A project\n' >"$place/project/README.md"
repo add README.md
repo commit -qm Start

okstra setup --project-id demo --yes
okstra config set limits.softMinutes 25

# A task with a plan of three stages: the first done and merged, the second at work with an unsaved file, the third open.
okstra plan adopt "$here/plan-0.1.0.md" --task-key demo:core:T-1
plan=$(find "$place/project/.okstra" -name 'final-report-implementation-planning-*.md' | head -n 1)
okstra plan approve "$plan"
okstra run --task-key demo:core:T-1 --task-type implementation --stage 1 --render-only
stage1=$place/home/.okstra/worktrees/demo/core/t-1/stage-1
commit_in "$stage1" stage-1/it.py "ONE = 1"
okstra stage "done" --run demo:core:T-1/implementation/stage-1/001
okstra integrate --task-key demo:core:T-1
okstra run --task-key demo:core:T-1 --task-type implementation --stage 2 --render-only
stage2=$place/home/.okstra/worktrees/demo/core/t-1/stage-2
commit_in "$stage2" stage-2/it.py "TWO = 2"
printf 'not saved yet\n' >"$stage2/notes.txt"

# A task that okstra led through an analysis.
printf '# It breaks\n\nThe start page breaks.\n' >"$place/brief.md"
okstra run --task-key demo:core:T-2 --task-type error-analysis --task-brief "$place/brief.md" \
  --lead auto --workers rehearsal,rehearsal || true # its analysts have nothing to say: failed, and resumable
okstra list

find "$place" -type f \( -name '*.json' -o -name '*.jsonl' -o -name '*.md' -o -name '*.html' -o -name '*.txt' \
  -o -name '*.log' -o -name gitdir -o -name .git \) -exec sed -i "s|$place|@PLACE@|g" {} +
grep -rIl '"host": "' "$place" | xargs sed -i "s|\"host\": \"$(hostname)\"|\"host\": \"@HOST@\"|g"
find "$place" -type l | while IFS= read -r link; do # to where this 0.1.0 happened to be
  target=$(readlink "$link")
  ln -sfn "/opt/okstra-0.1.0${target#"$old"}" "$link"
done
find "$place/home/.okstra" -name __pycache__ -prune -exec rm -rf {} +
rm -rf "$place/project/.git/hooks"
tar -C "$place" --sort=name --owner=0 --group=0 -cf - home project | gzip -9n >"$here/state-0.1.0.tar.gz"
