#!/usr/bin/env bash
# runtime.sh: what every door shares: the root, the interpreter, the error form. Sourced, never run.
#
# A door sources it with its own arguments in place, then calls okstra_exec.
# Agents call okstra dozens of times a run, so the common path starts no process: built-ins only.
# Bash 3.2 syntax, as macOS ships it.
unset CDPATH

# The root, from where this file stands. Only a path with `..` in it costs a process to clean.
okstra_root=${BASH_SOURCE[0]%/okstra/runtime.sh}
[[ $okstra_root == /* ]] || okstra_root=$PWD/${okstra_root#./}
case $okstra_root in
  */bin/../lib) okstra_root=${okstra_root%/bin/../lib} ;;
  */lib/okstra-ctl/..) okstra_root=${okstra_root%/lib/okstra-ctl/..} ;;
  *) okstra_root=$okstra_root/.. ;;
esac
case $okstra_root/ in
  *//* | */./* | */../*) okstra_root=$(cd -P -- "$okstra_root" && pwd -P) ;;
esac

okstra_wants_json=
for okstra_arg in "$@"; do
  [[ $okstra_arg == -- ]] && break
  [[ $okstra_arg == --json ]] && okstra_wants_json=yes
done

# okstra_quote TEXT: leaves TEXT as a JSON string in okstra_quoted. Bytes that are not UTF-8 become U+FFFD.
okstra_quote() {
  local LC_ALL=C rest=$1 size two=$'[\xc2-\xdf]' three=$'[\xe0-\xef]' four=$'[\xf0-\xf4]' more=$'[\x80-\xbf]'
  okstra_quoted=
  while [[ -n $rest ]]; do
    size=1
    case $rest in
      [[:cntrl:]]*)
        printf -v size '\\u%04x' "'$rest"
        okstra_quoted+=$size
        rest=${rest:1}
        continue
        ;;
      \"* | \\*) okstra_quoted+=\\ ;;
      [[:print:]]*) ;;
      $two$more*) size=2 ;;
      $three$more$more*) size=3 ;;
      $four$more$more$more*) size=4 ;;
      *) rest=$'\xef\xbf\xbd'${rest:1} size=3 ;;
    esac
    okstra_quoted+=${rest:0:size}
    rest=${rest:size}
  done
  okstra_quoted=\"$okstra_quoted\"
}

# die CODE MESSAGE [WHERE] [TRY]: one error, in okstra's form, and the exit status that belongs to its code word.
die() {
  local code=$1 message=$2 where=${3:-} try=${4:-} status=70 json key comma=''
  case $code in
    usage | not-found) status=2 ;;
    assets-missing | dependency-missing | folder-gone) status=69 ;;
  esac
  {
    printf 'okstra: error: %s\n' "${message//[[:cntrl:]]/?}"
    [[ -z $where ]] || printf '  where: %s\n' "${where//[[:cntrl:]]/?}"
    [[ -z $try ]] || printf '  try: %s\n' "${try//[[:cntrl:]]/?}"
  } >&2
  if [[ -n $okstra_wants_json ]]; then
    json='{"okstra": "okstra/1", "status": "error", "data": {}, "errors": [{'
    for key in code message where try; do
      okstra_quote "${!key}"
      json+="$comma\"$key\": $okstra_quoted" comma=', '
    done
    printf '%s\n' "$json}]}"
  fi
  exit "$status"
}

case ${OSTYPE:-} in
  msys* | cygwin* | win*)
    die dependency-missing "okstra runs on Linux and macOS; on Windows it runs in WSL" "$OSTYPE" \
      "wsl --install, then install okstra inside: npm i -g okstra"
    ;;
esac

# Nothing below works in a folder that is gone: git, Node and Python each say so in their own way.
pwd -P >/dev/null 2>&1 ||
  die folder-gone "the current directory does not exist any more" "$PWD" "go to a folder that exists (cd), then call it again"

# okstra_check_version PYTHON SOURCE [probe]: dies when PYTHON is older than 3.10. In a virtual environment the
# version stands in pyvenv.cfg, which costs no process; elsewhere PYTHON is asked, if `probe` is given.
okstra_check_version() {
  local config=${1%/bin/*}/pyvenv.cfg key value version='' major minor
  if [[ -r $config ]]; then
    while IFS=' =' read -r key value; do
      case $key in version | version_info) version=$value ;; esac
    done <"$config"
  elif [[ ${3:-} == probe ]]; then
    version=$("$1" -E -s -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null </dev/null) ||
      die dependency-missing "the interpreter of $2 does not run as a Python" "$1" "$okstra_remedy"
  fi
  [[ -n $version ]] || return 0
  major=${version%%.*} minor=${version#*.}
  minor=${minor%%[!0-9]*}
  if [[ $major != [3-9] || -z $minor ]] || ((major == 3 && minor < 10)); then
    die dependency-missing "okstra needs Python 3.10 or newer, and $2 is Python $version" "$1" "$okstra_remedy"
  fi
}

# The interpreter, into okstra_python: named by the user, the checkout's, the wheel's, the one recorded at install, the
# home's.
okstra_find_python() {
  local venv=$okstra_root/.venv/bin/python home=${OKSTRA_HOME:-${HOME:+$HOME/.okstra}} recorded=''
  okstra_remedy="make setup, in a checkout of okstra; or \`okstra install\`; or set OKSTRA_PYTHON to a Python 3.10 or newer that has okstra's packages"
  if [[ -n ${OKSTRA_PYTHON:-} ]]; then
    okstra_python=$OKSTRA_PYTHON
    type -P -- "$okstra_python" >/dev/null ||
      die dependency-missing "OKSTRA_PYTHON names no program that can be run" "$okstra_python" "unset OKSTRA_PYTHON; or $okstra_remedy"
    okstra_check_version "$okstra_python" OKSTRA_PYTHON probe
    return
  fi
  if [[ -x $venv || -L $venv ]]; then
    okstra_python=$venv
    [[ -x $venv ]] || die dependency-missing "the Python behind the checkout's .venv is gone" "$venv" "make clean setup"
    okstra_check_version "$venv" "the checkout's .venv"
    return
  fi
  if [[ $okstra_root == */lib/*/okstra_ctl/_assets ]]; then # a wheel, in the environment that pipx or pip made
    okstra_python=${okstra_root%/lib/*/okstra_ctl/_assets}/bin/python
    [[ ! -x $okstra_python ]] || return 0
  fi
  if [[ -n $home ]]; then
    [[ $home == /* ]] || home=$PWD/$home
    [[ ! -r $home/runtime ]] || IFS= read -r recorded <"$home/runtime" || true
    for okstra_python in "$recorded" "$home/venv/bin/python"; do
      [[ $okstra_python == /* && -f $okstra_python && -x $okstra_python ]] || continue
      okstra_check_version "$okstra_python" "the installed interpreter"
      return
    done
  fi
  # The slow path: a python3 on PATH serves only if it is new enough and has every package okstra needs.
  okstra_python=python3
  python3 -I -c 'import sys
from importlib.util import find_spec
need = ["argcomplete", "detect_secrets", "fasteners", "jinja2", "jsonschema", "markdown_it", "plumbum", "prompt_toolkit", "questionary", "rich"] + ["tomli"] * (sys.version_info < (3, 11))
sys.exit(sys.version_info < (3, 10) or not all(map(find_spec, need)))' >/dev/null 2>&1 </dev/null ||
    die dependency-missing "no Python 3.10 or newer with okstra's packages was found" \
      "looked at OKSTRA_PYTHON, $venv, ${home:+$home/runtime, $home/venv/bin/python, }python3 on PATH" "$okstra_remedy"
}

# okstra_exec ARGS…: becomes the core. The process id stays: it is how the registry knows who holds a stage.
okstra_exec() {
  local core=$okstra_root/python/okstra_ctl/__main__.py
  [[ $okstra_root != */okstra_ctl/_assets ]] || core=${okstra_root%/_assets}/__main__.py
  okstra_find_python
  shopt -s execfail
  trap '' INT # until the core's first line: Python prints a traceback, or dies, when it is interrupted while it starts
  if [[ -f $core ]]; then
    exec "$okstra_python" -I -X utf8 "$core" "$@" || true
  else
    exec "$okstra_python" -I -X utf8 -m okstra_ctl "$@" || true
  fi
  die dependency-missing "the interpreter can't be started" "$okstra_python" "$okstra_remedy"
}
