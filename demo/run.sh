#!/bin/sh
# A task in a throw-away repository, from a bug to an accepted verification, led by okstra itself: analysis, plan,
# approval, two stages at the same time and a third on both, integration, final verification. Commits, tests,
# worktrees, checks and reports are real; what models would write comes from demo/script.toml and demo/stages.

# shellcheck shell=bash
case $- in *p*) ;; *) exec bash -p -- "$0" "$@" ;; esac # nothing comes in by BASH_ENV, CDPATH or exported functions
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
export TALLY_STAGES=$here/stages
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

# started NUMBER: the run id in the answer of a run that was started in the background.
started() { field run_id "$place/run-$1.json"; }

say "1. A small real program in a git repository, registered with okstra"
cp -R "$here/project" "$repo"
git -C "$repo" init -q
git -C "$repo" add -A
git -C "$repo" commit -q -m "Start"
cd "$repo"
run setup --project-id demo --yes
# Workers are contained: what the script that plays them copies has to be shown to them.
# shellcheck disable=SC2016 # the variable's name is meant
"$okstra" config set sandboxShow '$TALLY_STAGES' "$TALLY_STAGES" >/dev/null

mkdir -p .okstra
cat "$here/script.toml" "$root/prompts/rehearsal/default.toml" >.okstra/script.toml
sed -e 's|"qaCommands": \[\]|"qaCommands": ["python3 -m unittest discover -s tests -t ."]|' \
  -e 's|"projectId": "demo"|&, "providers": {"rehearsal": {"script": ".okstra/script.toml"}}|' .okstra/project.json >project.tmp
mv project.tmp .okstra/project.json
run trust --yes
printf '  workers: the rehearsal provider plays them from demo/script.toml; all else is real\n'

say "2. The bug: \"One,\" and \"one\" are two words, and a line break is part of one"
printf '  $ printf "One,\\none" | python3 -m tally /dev/stdin\n'
printf 'One,\none' | python3 -m tally /dev/stdin | sed 's/^/    /'

say "3. Two analysts look for the cause, and verify each other; a program checks what they quote"
run run --task-type error-analysis --task-group words --task-id top --task-brief "$here/brief.md" --provider rehearsal --yes
run check evidence "$key/error-analysis/001" || printf '    (a finding that quotes what is not there can not be consensus)\n'

say "4. The plan: written, judged by both analysts, checked, shown, approved by a person"
run run --task-type implementation-planning --task-key "$key" --provider rehearsal --yes
plan=$(echo .okstra/tasks/words/top/runs/implementation-planning/reports/*.md)
run plan check "$plan"
run plan show "$plan"
run plan approve "$plan" --yes

say "5. Two stages at the same time: each run takes one, builds it test first, has it verified, runs its exit check"
pids=()
for number in 1 2; do
  "$okstra" run --task-key "$key" --task-type implementation --provider rehearsal --yes --json \
    >"$place/run-$number.json" 2>"$place/run-$number.log" &
  pids+=("$!")
done
for pid in "${pids[@]}"; do wait "$pid"; done
for number in 1 2; do
  printf '    run %s  %s\n' "$number" "$(started "$number")"
  sed 's/^/      /' "$place/run-$number.log"
done

say "6. Stage 3 builds on both: not before they are merged"
if run run --task-key "$key" --task-type implementation --stage 3 --provider rehearsal --yes; then
  echo "stage 3 was not refused" >&2
  exit 1
fi
run integrate --task-key "$key"
run run --task-key "$key" --task-type implementation --provider rehearsal --yes
run integrate --task-key "$key"

say "7. Final verification: the program's own tests are run, and both analysts accept"
run run --task-key "$key" --task-type final-verification --provider rehearsal --yes

say "8. What is there now"
run stage list --plan "$plan"
run list
task=$("$okstra" worktree lookup "$key")
printf '  $ python3 -m tally README.md --top 3\n'
(cd "$task" && python3 -m tally README.md --top 3 | sed 's/^/    /')

say "All of it lies in $place"
reports=.okstra/tasks/words/top/runs
cat <<END
  reports: $repo/$reports/error-analysis/reports/final-report-error-analysis-001.html
           $repo/$reports/final-verification/reports/final-report-final-verification-001.html
  next:    cd $repo && export OKSTRA_HOME=$OKSTRA_HOME PATH=$root/bin:\$PATH
           okstra show $key/error-analysis/001
           okstra handoff $key
  remove:  rm -rf $place
END
