"""The scripts for bash (3.2 and newer) and zsh. What is offered is told by functions that both shells read alike.

Nothing that comes from files or from okstra's answers is ever evaluated: words are compared and printed, no more.
"""

from __future__ import annotations

from ...words.hints import Iterable, Sequence
from .grammar import ASKED, WORDS, Node, Value

_SHARED = r"""
# One line for each word that may stand at the cursor and begins with $1; ":files" for the name of a file.
# The other arguments are the words before the cursor, without the program's name.
_okstra_candidates() {
  local cur=$1 at='' word='' flag='' kept='' plain='' count=0
  local found
  found=()
  shift
  for word in "$@"; do
    if [[ -n $flag ]]; then
      flag=''
      continue
    fi
    if [[ -z $plain && $word == -- ]]; then
      plain=1
    elif [[ -z $plain && $word == -* ]]; then
      found=()
      [[ $word == *=* ]] || _okstra_value "$at $word"
      [[ ${#found[@]} -eq 0 ]] || flag=$word
    elif [[ $count -eq 0 ]] && _okstra_step "$at:$word"; then
      at=${at:+$at }$word
    else
      count=$((count + 1))
    fi
  done
  found=()
  if [[ -z $flag && -z $plain && $cur == --*=* ]]; then
    flag=${cur%%=*}
    kept=$flag=
    cur=${cur#*=}
  fi
  if [[ -n $flag ]]; then
    _okstra_value "$at $flag"
  elif [[ -z $plain && $cur == -* ]]; then
    _okstra_flags "$at"
  else
    _okstra_place "$at" "$count"
  fi
  [[ ${#found[@]} -gt 0 ]] || return 0
  set -- "${found[@]}"
  case $1 in
    words)
      shift
      for word in "$@"; do
        [[ $word != "$cur"* ]] || printf '%s\n' "$kept$word"
      done
      ;;
    files) printf ':files\n' ;;
    @ASKED@)
      command okstra completion "$1" 2>/dev/null </dev/null | while IFS= read -r word; do
        [[ $word != "$cur"* ]] || printf '%s\n' "$kept$word"
      done
      ;;
  esac
}
"""

_BASH = r"""
_okstra() {
  local line=${COMP_LINE:0:COMP_POINT} cur='' program='' breaks='' before='' candidate=''
  local words
  words=()
  COMPREPLY=()
  IFS=$' \t' read -r -a words <<<"$line" || return 0
  while [[ ${#words[@]} -gt 0 && $program != okstra && $program != okstra-ctl && $program != okstra.sh ]]; do
    program=${words[0]##*/}
    words=("${words[@]:1}")
  done
  if [[ $line != *[[:space:]] && ${#words[@]} -gt 0 ]]; then
    cur=${words[${#words[@]} - 1]}
    words=("${words[@]:0:${#words[@]} - 1}")
  fi
  [[ $program != okstra.sh ]] || words=(run "${words[@]}")
  # Readline replaces what follows the last of these, not the whole word.
  [[ $COMP_WORDBREAKS != *:* ]] || breaks=:
  [[ $COMP_WORDBREAKS != *=* ]] || breaks=$breaks=
  # shellcheck disable=SC2295
  [[ -z $breaks || $cur != *[$breaks]* ]] || before=${cur%"${cur##*[$breaks]}"}
  while IFS= read -r candidate; do
    if [[ $candidate == :files ]]; then
      COMPREPLY=()
      return 0
    fi
    COMPREPLY[${#COMPREPLY[@]}]=${candidate#"$before"}
  done < <(_okstra_candidates "$cur" "${words[@]}")
}
complete -o default -F _okstra okstra okstra-ctl okstra.sh
"""

_ZSH = r"""
_okstra() {
  local -a found_words before
  local candidate
  before=("${(@)words[2,CURRENT-1]}")
  [[ ${words[1]:t} != okstra.sh ]] || before=(run "${before[@]}")
  while IFS= read -r candidate; do
    if [[ $candidate == :files ]]; then
      compset -P '--*='
      _files
      return
    fi
    found_words+=("$candidate")
  done < <(_okstra_candidates "${words[CURRENT]}" "${before[@]}")
  compadd -- "${found_words[@]}"
}
whence compdef >/dev/null || { autoload -Uz compinit && compinit; }
compdef _okstra okstra okstra-ctl okstra.sh
"""


def bash_script(nodes: Sequence[Node]) -> str:
    usage = '# Completion of okstra for bash. In ~/.bashrc: eval "$(okstra completion bash)"'
    return f"{usage}\n{_tables(nodes)}{_shared()}{_BASH}"


def zsh_script(nodes: Sequence[Node]) -> str:
    usage = '# Completion of okstra for zsh. In ~/.zshrc: eval "$(okstra completion zsh)"'
    return f"#compdef okstra okstra-ctl okstra.sh\n{usage}\n{_tables(nodes)}{_shared()}{_ZSH}"


def _shared() -> str:
    return _SHARED.replace("@ASKED@", " | ".join(ASKED))


def _tables(nodes: Sequence[Node]) -> str:
    steps = [f"{node.path}:{name}" for node in nodes for name, _ in node.children]
    values = [(f"{node.path} {flag.name}", flag.value) for node in nodes for flag in node.flags if flag.value]
    flags = [(node.path, Value(WORDS, tuple(flag.name for flag in node.flags))) for node in nodes]
    return "\n".join(
        [
            _function("_okstra_step", "$1", [(" | ".join(map(_quoted, steps)), "return 0")], "return 1"),
            _function("_okstra_flags", "$1", [(_quoted(path), _found(value)) for path, value in flags]),
            _function("_okstra_value", "$1", [(_quoted(key), _found(value)) for key, value in values]),
            _function("_okstra_place", "$1 $2", list(_places(nodes))),
        ]
    )


def _places(nodes: Sequence[Node]) -> Iterable[tuple[str, str]]:
    for node in nodes:
        if node.children:
            yield _quoted(f"{node.path} 0"), _found(Value(WORDS, tuple(name for name, _ in node.children)))
        for number, value in enumerate(node.places):
            last = number == len(node.places) - 1
            pattern = f"{_quoted(f'{node.path} ')}*" if last and node.repeats else _quoted(f"{node.path} {number}")
            yield pattern, _found(value)


def _function(name: str, subject: str, cases: Sequence[tuple[str, str]], otherwise: str = "") -> str:
    lines = [f"{name}() {{", f'  case "{subject}" in', *(f"    {pattern}) {body} ;;" for pattern, body in cases)]
    return "\n".join([*lines, "  esac", *([f"  {otherwise}"] if otherwise else []), "}"])


def _found(value: Value) -> str:
    return f"found=({' '.join([value.kind, *map(_quoted, value.words)])})"


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"
