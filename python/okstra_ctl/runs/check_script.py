"""How a check that a person wrote is run: by bash, and red when any command of a pipe is.

A writer whose reader has read enough is ended by SIGPIPE (status 141): of any but the last command of a pipe that is
no failure. `set -o pipefail` alone can't tell, so each pipe is asked for the statuses of all its commands. Where a
command is too involved to be taken apart, `pipefail` alone decides: then such a 141 is red, but nothing red is green.
"""

from __future__ import annotations

from ..system.shell_lists import Pipeline, pipelines

SHELL = "bash"

_STRICT = "set -o pipefail"
_PIPED = """\
__okstra_piped() {
  local status=0 at=0 one
  for one; do
    at=$((at + 1))
    if [ "$one" -ne 0 ]; then
      if [ "$one" -ne 141 ] || [ "$at" -eq "$#" ]; then status=$one; fi
    fi
  done
  return "$status"
}"""


def check_argv(command: str) -> tuple[str, ...]:
    """What runs the command."""
    return (SHELL, "-c", check_script(command))


def check_script(command: str) -> str:
    """The command as a script for bash (3.2 and newer)."""
    found = pipelines(command)
    if found is None or all(len(one.commands) == 1 for one in found):
        return f"{_STRICT}\n{command}"
    return "\n".join([_STRICT, _PIPED, "".join(map(_told, found))])


def _told(pipeline: Pipeline) -> str:
    before = "\n" if pipeline.before == ";" else f" {pipeline.before} " if pipeline.before else ""
    words = [pipeline.commands[0]]
    for operator, command in zip(pipeline.operators, pipeline.commands[1:], strict=True):
        words += [operator, command]
    text = " ".join(words)
    if len(pipeline.commands) > 1:
        text = f'{{ {text}\n__okstra_piped "${{PIPESTATUS[@]}}"; }}'
    return f"{before}{'! ' if pipeline.negated else ''}{text}"
