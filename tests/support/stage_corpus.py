"""Small stages made from a seed, sound ones and ones that only look done, in Python, JavaScript and shell.

Each is a folder of its own in one repository: what stood there before, what the stage commits, what lies about in its
worktree uncommitted, its exit check, and what okstra is to say of it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

PYTHON, NODE, SHELL = "python", "node", "shell"
LANGUAGES = (PYTHON, NODE, SHELL)
PROVEN, UNPROVEN, BROKEN, KEPT, NONE = "proven", "unproven", "broken", "kept-green", "none"
IGNORED = "build/\n*.local.*\n"
MAIN = "{{MAIN}}"
"""Stands for the path of the main checkout."""
HERE = "{{HERE}}"
"""Stands for the folder of the stage, as it is named where the check runs."""


class Sample(NamedTuple):
    """`expected` are the outcomes that are right; `lying` is what lies about uncommitted."""

    number: int
    language: str
    kind: str
    expected: tuple[str, ...]
    base: Mapping[str, str]
    work: Mapping[str, str]
    lying: Mapping[str, str]
    check: str
    proof: str
    code: str
    test: str

    @property
    def sound(self) -> bool:
        return self.kind in SOUND

    @property
    def name(self) -> str:
        return f"{self.number}-{self.language}-{self.kind}"

    @property
    def folder(self) -> str:
        return f"stage-{self.number}"


class _Task(NamedTuple):
    """What is to be computed: right, wrong, and a case that tells them apart."""

    name: str
    right: Mapping[str, str]
    wrong: Mapping[str, str]
    case: tuple[int, int, int]


def _same(text: str) -> dict[str, str]:
    return {PYTHON: text, NODE: text, SHELL: text.replace("a", "$1").replace("b", "$2")}


def _task(chance: random.Random) -> _Task:
    one, other = chance.randint(5, 40), chance.randint(2, 4)
    larger = {PYTHON: "a if a > b else b", NODE: "a > b ? a : b", SHELL: "$1 > $2 ? $1 : $2"}
    smaller = {PYTHON: "b if a > b else a", NODE: "a > b ? b : a", SHELL: "$1 > $2 ? $2 : $1"}
    return chance.choice(
        (
            _Task("add", _same("a + b"), _same("a - b"), (one, other, one + other)),
            _Task("product", _same("a * b"), _same("a + b"), (one, other, one * other)),
            _Task("rest", _same("a % b"), _same("a + b"), (one, other, one % other)),
            _Task("larger", larger, smaller, (one, other, one)),
            _Task("twice", _same("2 * a - 0 * b"), _same("a - b"), (one, other, 2 * one)),
        )
    )


class _Language:
    """How code and tests are written in a language; tests import from beside them, or from `at`."""

    def __init__(self, language: str, task: _Task) -> None:
        self.language, self.task = language, task
        name = task.name
        self.code_name = {PYTHON: f"{name}.py", NODE: f"{name}.js", SHELL: f"{name}.sh"}[language]
        self.test_name = {PYTHON: f"test_{name}.py", NODE: f"{name}.test.js", SHELL: f"test_{name}.sh"}[language]

    def code(self, *, right: bool = True) -> str:
        body = (self.task.right if right else self.task.wrong)[self.language]
        name = self.task.name
        return {
            PYTHON: f"def {name}(a, b):\n    return {body}\n",
            NODE: f"exports.{name} = (a, b) => ({body});\n",
            SHELL: f"echo $(({body}))\n",
        }[self.language]

    def run(self, place: str) -> str:
        return {PYTHON: "python3 -B ", NODE: "node ", SHELL: "sh "}[self.language] + place

    def load(self, at: str = "") -> str:
        """A line that makes the code known to a test, from a file beside it or from that folder."""
        name = self.task.name
        if self.language == PYTHON:
            path = f"import sys; sys.path.insert(0, {at!r})\n" if at else ""
            return f"{path}from {name} import {name}\n"
        if self.language == NODE:
            return f'const {{ {name} }} = require("{at or "."}/{name}.js");\n'
        place = at or '$(dirname "$0")'
        return f'{name}() {{ sh "{place}/{name}.sh" "$@"; }}\n'

    def own(self, *, constant: bool = False) -> str:
        """A test's own definition of what it is to test."""
        name, expected = self.task.name, self.task.case[2]
        body = str(expected) if constant else self.task.right[self.language]
        return {
            PYTHON: f"def {name}(a, b):\n    return {body}\n",
            NODE: f"const {name} = (a, b) => ({body});\n",
            SHELL: f"{name}() {{ echo $(({body})); }}\n",
        }[self.language]

    def claim(self) -> str:
        """The assertion."""
        one, other, expected = self.task.case
        name = self.task.name
        return {
            PYTHON: f"assert {name}({one}, {other}) == {expected}\n",
            NODE: f'require("node:assert").strictEqual({name}({one}, {other}), {expected});\n',
            SHELL: f'test "$({name} {one} {other})" = {expected}\n',
        }[self.language]

    def weak_claim(self) -> str:
        """An assertion that wrong code meets as well: that there is a number."""
        one, other, _ = self.task.case
        name = self.task.name
        return {
            PYTHON: f"assert {name}({one}, {other}) is not None\n",
            NODE: f'require("node:assert").ok(Number.isInteger({name}({one}, {other})));\n',
            SHELL: f'test -n "$({name} {one} {other})"\n',
        }[self.language]

    def needed(self) -> str:
        """What makes a test fail without the code, where loading it does not."""
        return f"{self.task.name} 1 1 >/dev/null || exit 1\n" if self.language == SHELL else ""

    def always(self) -> str:
        truth = {PYTHON: "assert 1 + 2 == 3\n", NODE: 'require("node:assert").ok(true);\n', SHELL: "test 3 = 3\n"}
        return truth[self.language]

    def swallowed(self, text: str) -> str:
        """The same lines, with every failure caught."""
        if self.language == PYTHON:
            return "try:\n" + "".join(f"    {line}\n" for line in text.splitlines()) + "except Exception:\n    pass\n"
        return f"try {{\n{text}}} catch {{}}\n" if self.language == NODE else f"( {text} ) 2>/dev/null || echo later\n"

    def uncalled(self, text: str) -> str:
        """The same lines in a test that nothing calls."""
        if self.language == PYTHON:
            return "def test_it():\n" + "".join(f"    {line}\n" for line in text.splitlines())
        return f"function check() {{\n{text}}}\n" if self.language == NODE else f"check() {{\n{text}}}\n"

    def skipped(self, text: str) -> str:
        if self.language == PYTHON:
            body = "".join(f"        {line}\n" for line in text.splitlines())
            return (
                "import unittest\n\nclass Tests(unittest.TestCase):\n"
                f'    @unittest.skip("later")\n    def test_it(self):\n{body}\nunittest.main()\n'
            )
        if self.language == NODE:
            return f'require("node:test").skip("it", () => {{\n{text}}});\n'
        return f"if false; then\n{text}fi\n"

    def leave(self) -> str:
        return {PYTHON: "raise SystemExit(0)\n", NODE: "process.exit(0);\n", SHELL: "exit 0\n"}[self.language]


def _sample(number: int, language: str, kind: str, chance: random.Random) -> Sample:
    task = _task(chance)
    one = _Language(language, task)
    folder = f"stage-{number}"
    code, test = f"{folder}/{one.code_name}", f"{folder}/{one.test_name}"
    sound = one.load() + one.claim()
    work = {code: one.code()}
    made = Sample(number, language, kind, (UNPROVEN,), {}, work, {}, one.run(test), "red-green", code, test)
    fake_tests = {
        "empty test": "",
        "test that nothing calls": one.uncalled(sound),
        "tautology": one.always(),
        "code never imported": one.own() + one.claim(),
        "stub in place of the code": one.own(constant=True) + one.claim(),
        "failures swallowed": one.swallowed(sound),
        "test skipped": one.skipped(sound),
        "leaves before it tests": one.leave() + sound,
    }
    if kind in fake_tests:
        comment = {PYTHON: "# later\n", NODE: "// later\n", SHELL: "# later\n"}[language]
        wrong = one.code(right=chance.random() < 0.5)
        return made._replace(work={code: wrong, test: comment + fake_tests[kind]})
    if kind in ("|| true", "; true", "piped into nothing"):
        ends = {"|| true": " || true", "; true": "; true", "piped into nothing": " 2>&1 | cat"}
        expected = (BROKEN,) if kind == "piped into nothing" else (UNPROVEN,)
        work = {code: one.code(right=False), test: sound}
        return made._replace(expected=expected, work=work, check=one.run(test) + ends[kind])
    if kind == "tests what was there":
        old = f"{folder}/more-{one.code_name}"
        return made._replace(base={code: one.code()}, work={old: one.code(right=False), test: sound})
    if kind == "code of the main checkout":
        elsewhere = f"lib-{number}/{one.code_name}"
        loaded = one.load(f"{MAIN}/lib-{number}") + one.claim()
        work = {code: one.code(right=False), test: loaded}
        return made._replace(expected=(UNPROVEN, BROKEN), base={elsewhere: one.code()}, work=work)
    if kind == "wrong exit claimed":
        return made._replace(expected=(BROKEN,), work={code: one.code(right=False), test: sound})
    if kind == "stale build":
        built = f"{folder}/build/{one.code_name}"
        work = {code: one.code(right=False), test: one.load(_beside(language, "build")) + one.claim()}
        return made._replace(expected=(BROKEN,), work=work, lying={built: one.code()})
    if kind == "ignored file":
        local = f"{folder}/{task.name}.local.{one.code_name.rpartition('.')[2]}"
        run = {PYTHON: "python3 -B -c ", NODE: "node -e ", SHELL: "sh "}[language]
        text = {PYTHON: f"exec(open('{local}').read())", NODE: f"require('./{local}')", SHELL: local}
        check = f'{run}"{text[language]}"' + (" 3 4" if language == SHELL else "")
        return made._replace(expected=(BROKEN,), work={test: sound}, lying={local: one.code()}, check=check)
    if kind == "broken refactoring":
        base, work = {code: one.code(), test: sound}, {code: one.code(right=False)}
        return made._replace(expected=(BROKEN,), base=base, work=work, proof=KEPT)
    little = {
        "needs the code and checks nothing of it": one.needed() + one.always(),
        "checks too little": one.weak_claim(),
    }
    if kind in little:
        work = {code: one.code(right=False), test: one.load() + little[kind]}
        return made._replace(expected=(PROVEN,), work=work)
    return _sound(made, one, chance)


def _beside(language: str, folder: str) -> str:
    """A folder beside the test, as its language names it."""
    if language == PYTHON:
        return f"{HERE}/{folder}"
    return f"./{folder}" if language == NODE else f'$(dirname "$0")/{folder}'


def _sound(made: Sample, one: _Language, chance: random.Random) -> Sample:
    code, test, folder = made.code, made.test, made.folder
    sound = one.load() + one.claim()
    if made.kind == "feature":
        return made._replace(expected=(PROVEN,), work={code: one.code(), test: sound})
    if made.kind == "bug fix":
        base = {code: one.code(right=False)}
        return made._replace(expected=(PROVEN,), base=base, work={code: one.code(), test: sound})
    if made.kind == "bug fix, its test there before":
        base = {code: one.code(right=False), test: sound}
        return made._replace(expected=(PROVEN,), base=base, work={code: one.code()})
    if made.kind == "refactoring":
        again = {PYTHON: "# the same\n", NODE: "// the same\n", SHELL: "# the same\n"}[made.language] + one.code()
        return made._replace(expected=(KEPT,), base={code: one.code(), test: sound}, work={code: again}, proof=KEPT)
    if made.kind == "documents":
        guide = f"{folder}/GUIDE.md"
        words = {"check": f"grep -q '^## Use' {guide}", "proof": "none: documents only"}
        return made._replace(expected=(NONE,), work={guide: "# Guide\n\n## Use\n\nUse it.\n"}, **words)
    if made.kind == "no test file":
        name, (first, other, expected) = one.task.name, one.task.case
        python = f"import sys; sys.path.insert(0, '{folder}'); from {name} import {name}; "
        node = f"require('./{code}').{name}({first}, {other})"
        calls = {
            PYTHON: f'python3 -B -c "{python}assert {name}({first}, {other}) == {expected}"',
            NODE: f"node -e \"require('node:assert').equal({node}, {expected})\"",
            SHELL: f'test "$(sh {code} {first} {other})" = {expected}',
        }
        return made._replace(expected=(PROVEN,), work={code: one.code()}, check=calls[made.language])
    if made.kind == "read by grep -q":
        shown = {PYTHON: "print('all is well')\n", NODE: "console.log('all is well');\n", SHELL: "echo all is well\n"}
        text = sound + shown[made.language] * chance.choice((1, 400))
        if made.language == SHELL:
            text = "set -e\n" + text
        return made._replace(
            expected=(PROVEN,), work={code: one.code(), test: text}, check=f"{one.run(test)} | grep -q well"
        )
    data = f"{folder}/data/{one.task.name}.txt"
    has = {
        PYTHON: f"assert open('{data}').read().strip() == 'three'\n",
        NODE: f'require("node:assert").ok(require("node:fs").readFileSync("{data}", "utf8").includes("three"));\n',
        SHELL: f"grep -q three {data} || exit 1\n",
    }
    return made._replace(expected=(PROVEN,), work={code: one.code(), test: has[made.language] + sound, data: "three\n"})


UNPROVEN_KINDS = (
    *("empty test", "test that nothing calls", "tautology", "code never imported", "stub in place of the code"),
    *("failures swallowed", "test skipped", "leaves before it tests", "|| true", "; true", "tests what was there"),
    "code of the main checkout",
)
BROKEN_KINDS = ("wrong exit claimed", "stale build", "ignored file", "piped into nothing", "broken refactoring")
SOUND = (
    *("feature", "bug fix", "bug fix, its test there before", "refactoring", "documents", "no test file"),
    *("read by grep -q", "with a data file"),
)
UNSEEN_KINDS = ("needs the code and checks nothing of it", "checks too little")
"""What red and green can't tell from a sound stage: that is the verifiers' part."""


def corpus(count: int, seed: int) -> list[Sample]:
    """`count` samples, three of five not done: every kind in every language before one comes again."""
    chance = random.Random(seed)
    broken = _in_turn((*UNPROVEN_KINDS, *BROKEN_KINDS), chance)
    sound = _in_turn(SOUND, chance)
    return [
        _sample(number, *next(broken if number % 5 in (1, 2, 4) else sound), chance) for number in range(1, count + 1)
    ]


def unseen(count: int, seed: int) -> list[Sample]:
    """Samples of what the proof can't see. They are in no corpus."""
    chance = random.Random(seed)
    kinds = _in_turn(UNSEEN_KINDS, chance)
    return [_sample(number, *next(kinds), chance) for number in range(1, count + 1)]


def _in_turn(kinds: Sequence[str], chance: random.Random) -> Iterator[tuple[str, str]]:
    while True:
        pairs = [(language, kind) for kind in kinds for language in LANGUAGES]
        chance.shuffle(pairs)
        yield from pairs


def filled(files: Mapping[str, str], sample: Sample, main: str) -> dict[str, str]:
    return {name: text.replace(MAIN, main).replace(HERE, sample.folder) for name, text in files.items()}


def _title(sample: Sample) -> str:
    return f"{sample.kind.replace('|', '')} {sample.number}"


def plan_of(samples: Sequence[Sample]) -> str:
    rows = [
        f"| {number} | {_title(one)} | (none) | `{one.folder}/**` | 2 "
        f"| `{one.check.replace('|', chr(92) + '|')}` | {one.proof} |"
        for number, one in enumerate(samples, 1)
    ]
    sections = [
        f"### 5.5.{number} Stage {number}: {_title(one)}\n\n"
        f"1. Write a failing test in `{one.test}`.\n2. Write `{one.code}` so that it passes.\n"
        for number, one in enumerate(samples, 1)
    ]
    head = ["---", "approved: true", "---", "# Plan", "", "## 5.5 Stage Map", ""]
    columns = ["| Stage | Title | Depends on | Files | Steps | Exit check | Proof |", "|---|---|---|---|---|---|---|"]
    return "\n".join([*head, *columns, *rows, "", *sections])
