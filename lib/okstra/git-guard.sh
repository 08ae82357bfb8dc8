#!/bin/sh
# git-guard.sh: the git hooks of an agent in an okstra run, under each hook's name (core.hooksPath leads here).
#
# It stands in the way of what the phase forbids, in the run's repository alone: a push, and any ref but the run's
# own. What --no-verify passes by (pre-push) the run's URL settings stop. Each ref that moved, or was refused to, is
# logged: the isolation receipt names by it who did what. The hooks that the repository had are called afterwards,
# so nothing of the project's own is lost.
#
#   OKSTRA_GUARD_REPO   the common git folder that is guarded
#   OKSTRA_GUARD_REF    the one branch that may move, a full ref; empty for none
#   OKSTRA_GUARD_HOOKS  the folder of the repository's own hooks
#   OKSTRA_GUARD_RULES  the run's rules, for `okstra guard commit`
#   OKSTRA_GUARD_LOG    where the refs are logged: "moved|refused <trace id> <old> <new> <ref>" a line
set -eu
unset CDPATH # `cd` would take `.git` for another folder of that name, and print it

hook=${0##*/}
dir=${GIT_DIR:-.git}
common=$dir
if [ -f "$dir/commondir" ]; then
  IFS= read -r common <"$dir/commondir" || true
  case $common in /*) ;; *) common=$dir/$common ;; esac
fi
common=$(cd -P -- "$common" 2>/dev/null && pwd -P) || common=

refuse() {
  printf 'okstra: refused: %s\n' "$1" >&2
  printf '  where: git hook %s, guarding this run\n' "$hook" >&2
  printf '  try: %s\n' "$2" >&2
  exit 1
}

log() {
  [ -n "${OKSTRA_GUARD_LOG:-}" ] || return 0
  { printf '%s %s %s\n' "$1" "${GIT_TRACE2_PARENT_SID:--}" "$2" >>"$OKSTRA_GUARD_LOG"; } 2>/dev/null || true
}

given= # what the hook read of its input, for the repository's own
if [ "$common" = "${OKSTRA_GUARD_REPO:-}" ]; then
  own=${OKSTRA_GUARD_HOOKS:-}
  case $hook in
    pre-push)
      refuse "this phase pushes nothing" "leave it to release-handoff"
      ;;
    reference-transaction)
      case ${1:-} in
        prepared | committed)
          while read -r old new ref; do
            given="$given$old $new $ref
"
            case $ref in refs/*) ;; *) continue ;; esac
            case $old in *[!0]*) [ "$old" != "$new" ] || continue ;; esac # twice nothing is a forced deletion
            if [ "$1" = committed ]; then
              log moved "$old $new $ref"
              continue
            fi
            case $ref in
              refs/heads/* | refs/tags/* | refs/remotes/* | refs/okstra/* | refs/replace/*)
                [ "$ref" = "${OKSTRA_GUARD_REF:-}" ] || {
                  log refused "$old $new $ref"
                  refuse "this run may not change $ref" "leave it as it is; the run has ${OKSTRA_GUARD_REF:-no branch of its own}"
                }
                ;;
            esac
          done
          ;;
      esac
      ;;
    pre-commit)
      [ -z "${OKSTRA_GUARD_RULES:-}" ] || okstra guard commit --rules "$OKSTRA_GUARD_RULES" || exit 1
      ;;
  esac
else
  own=$common/hooks
fi

[ -n "$own" ] && [ -x "$own/$hook" ] || exit 0
if [ -n "$given" ]; then
  printf '%s' "$given" | "$own/$hook" "$@"
else
  exec "$own/$hook" "$@"
fi
