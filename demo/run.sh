#!/usr/bin/env bash
# A task in a throw-away repository, played through okstra's real commands: a plan of three stages is checked
# and approved, two stages run at the same time in worktrees of their own, the third waits until they are
# merged. Commits, tests and worktrees are real; what an agent would write is copied from demo/stages.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
okstra=$root/bin/okstra
place=$(mktemp -d "${TMPDIR:-/tmp}/okstra-demo.XXXXXX")
repo=$place/tally
key=demo:words:top

# Nothing of the person's home, git or agents is reached.
while IFS='=' read -r name _; do
  case $name in GIT_* | OKSTRA_* | CLAUDE* | CODEX* | GEMINI*) unset "$name" ;; esac
done < <(env)
export HOME=$place/home OKSTRA_HOME=$place/home/.okstra GIT_CONFIG_NOSYSTEM=1 PATH=$root/.venv/bin:$PATH
mkdir -p "$HOME"
git config --global user.name "okstra demo"
git config --global user.email demo@localhost
git config --global init.defaultBranch main
git config --global advice.detachedHead false

bold='' plain=''
if [[ -t 1 ]]; then bold=$'\033[1m' plain=$'\033[0m'; fi

say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

# run ARGS…: shows an okstra command and runs it.
run() {
  printf '  $ okstra'
  printf ' %s' "$@"
  printf '\n'
  "$okstra" "$@" 2>&1 | sed 's/^/    /'
  return "${PIPESTATUS[0]}"
}

# field NAME FILE: a text field of a run's JSON answer.
field() { sed -n "s/.*\"$1\": \"\([^\"]*\)\".*/\1/p" "$2" | head -n 1; }

# work STAGE WORKTREE: what an executor does: the failing test first, then the code, each committed.
work() {
  local from=$here/stages/$1 to=$2
  cp "$from"/tests/* "$to/tests/"
  git -C "$to" add tests
  git -C "$to" commit -q -m "test(stage $1): say what is wanted"
  cp "$from"/tally/* "$to/tally/"
  git -C "$to" add tally
  git -C "$to" commit -q -m "feat(stage $1): make it so"
}

say "1. A small real program in a git repository, registered with okstra"
cp -R "$here/project" "$repo"
git -C "$repo" init -q
git -C "$repo" add -A
git -C "$repo" commit -q -m "Start"
cd "$repo"
run setup --project-id demo --yes

say "2. A planning run: it gets the task's worktree, prompts and records"
run run --task-type implementation-planning --task-group words --task-id top --task-brief "$here/brief.md" --render-only

say "3. The plan: adopted, checked, shown, approved"
run plan adopt "$here/plan.md" --task-key "$key"
plan=$(echo .okstra/tasks/words/top/runs/implementation-planning/reports/*.md)
run plan check "$plan"
run plan show "$plan"
run plan approve "$plan"

say "4. Two runs at the same instant: each takes a stage of its own"
pids=()
for number in 1 2; do
  "$okstra" run --task-key "$key" --task-type implementation --render-only --json >"$place/run-$number.json" &
  pids+=("$!")
done
for pid in "${pids[@]}"; do wait "$pid"; done
for number in 1 2; do
  printf '    run %s  %s\n          on %s\n' "$number" "$(field run_id "$place/run-$number.json")" "$(field branch "$place/run-$number.json")"
done

say "5. A third run now is refused, and says why"
if run run --task-key "$key" --task-type implementation --stage 3 --render-only; then
  echo "stage 3 was not refused" >&2
  exit 1
fi

say "6. Both stages are worked on side by side; done means that their exit checks ran green"
pids=()
for number in 1 2; do
  stage=$(sed -n 's/.*"stage": \([0-9]*\).*/\1/p' "$place/run-$number.json")
  work "$stage" "$(field path "$place/run-$number.json")" &
  pids+=("$!")
done
for pid in "${pids[@]}"; do wait "$pid"; done
for number in 1 2; do run stage "done" --run "$(field run_id "$place/run-$number.json")"; done

say "7. Stage 3 builds on both: not before they are merged into the task branch"
run stage list --plan "$plan"
task=$("$okstra" worktree lookup "$key")
for number in 1 2; do
  branch=$(field branch "$place/run-$number.json")
  printf '  $ git -C …/task merge %s\n' "$branch"
  git -C "$task" merge -q --no-edit "$branch"
done

say "8. Now it starts from the merged commit"
"$okstra" run --task-key "$key" --task-type implementation --render-only --json >"$place/run-3.json"
work 3 "$(field path "$place/run-3.json")"
run stage "done" --run "$(field run_id "$place/run-3.json")"
git -C "$task" merge -q --no-edit "$(field branch "$place/run-3.json")"

say "9. What is there now"
run stage list --plan "$plan"
run worktree list
printf '  $ python3 -m tally README.md --top 3\n'
(cd "$task" && python3 -m tally README.md --top 3 | sed 's/^/    /')

say "All of it lies in $place"
cat <<EOF
  look:    OKSTRA_HOME=$OKSTRA_HOME $okstra list
  prompts: $repo/.okstra/tasks/words/top/runs/implementation/stage-1/prompts/
  remove:  rm -rf $place
EOF
