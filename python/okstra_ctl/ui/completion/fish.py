"""The script for fish: one `complete` line for each word, flag and place, each under the condition where it fits."""

from __future__ import annotations

from ...words.hints import Iterator, Sequence
from .grammar import FILES, TEXT, WORDS, Node, Value

_HEAD = r"""# Completion of okstra for fish. Once: okstra completion fish > ~/.config/fish/completions/okstra.fish
# Prints the command that the words before the cursor name, and how many words follow it.
function __okstra_at
    set -l at ''
    set -l count 0
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
        else if string match -q -- '-*' $word
            if contains -- "$at $word" $__okstra_taking
                set skip 1
            end
        else if test $count = 0; and contains -- "$at:$word" $__okstra_steps
            set at (string trim -- "$at $word")
        else
            set count (math $count + 1)
        end
    end
    echo "$at"
    echo $count
end
function __okstra_is
    set -l now (__okstra_at)
    test "$now[1]" = "$argv[1]"; or return 1
    test (count $argv) = 1; or test "$now[2]" = "$argv[2]"; or test "$argv[2]" = '*'
end
complete -c okstra -e
complete -c okstra -f"""


def fish_script(nodes: Sequence[Node]) -> str:
    steps = [f"{node.path}:{name}" for node in nodes for name, _ in node.children]
    taking = [f"{node.path} {flag.name}" for node in nodes for flag in node.flags if flag.value]
    lines = [f"set -g __okstra_steps {' '.join(map(_quoted, steps))}"]
    lines += [f"set -g __okstra_taking {' '.join(map(_quoted, taking))}"]
    for node in nodes:
        lines += _lines(node)
    return "\n".join([_HEAD, *lines, ""])


def _lines(node: Node) -> Iterator[str]:
    for name, text in node.children:
        yield f"complete -c okstra -n {_when(node.path, '0')} -a {_quoted(name)} -d {_quoted(text)}"
    for flag in node.flags:
        value = f" {_value(flag.value, of_flag=True)}" if flag.value else ""
        named = f"-l {flag.name.removeprefix('--')}{value} -d {_quoted(flag.help)}"
        yield f"complete -c okstra -n {_when(node.path)} {named}"
    for number, place in enumerate(node.places):
        count = "*" if node.repeats and number == len(node.places) - 1 else str(number)
        if place.kind != TEXT:
            yield f"complete -c okstra -n {_when(node.path, count)} {_value(place, of_flag=False)}"


def _when(path: str, count: str = "") -> str:
    return _quoted("__okstra_is " + " ".join(map(_quoted, [path, count] if count else [path])))


def _value(value: Value, *, of_flag: bool) -> str:
    if value.kind == FILES:
        return "-r -F" if of_flag else "-F"
    only = "-x" if of_flag else "-f"
    if value.kind == TEXT:
        return only
    offered = " ".join(value.words) if value.kind == WORDS else f"(command okstra completion {value.kind} 2>/dev/null)"
    return f"{only} -a {_quoted(offered)}"


def _quoted(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "\\'") + "'"
