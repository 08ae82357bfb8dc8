"""Small faults put into source text: where they can go, and the text with one of them in it.

A mutant changes one token of a decision: a comparison, a connective, a negation, a condition, a number, a truth value.
Texts are left alone, since what they say is for people, and so are annotations and what only types see.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}
_OPERATORS: dict[type[ast.operator], str] = {ast.Add: "-", ast.Sub: "+", ast.BitOr: "&", ast.BitAnd: "|"}
_CALLS = {"any": "all", "all": "any", "min": "max", "max": "min"}
_UNARY_NOT = "not "


class Mutant(NamedTuple):
    """One fault: in the text from `begin` to `end` (character offsets), `new` instead of what stands there."""

    line: int
    begin: int
    end: int
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.line}: {self.old!r} -> {self.new!r}"

    def applied_to(self, text: str) -> str:
        return text[: self.begin] + self.new + text[self.end :]


def mutants_of(text: str) -> list[Mutant]:
    """All mutants of a module's source, in the order of the text. Raises SyntaxError."""
    found = list(_Finder(text).mutants(ast.parse(text)))
    return sorted(found, key=lambda mutant: (mutant.begin, mutant.end, mutant.new))


class _Finder:
    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0]
        self._lines = text.splitlines(keepends=True)
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))

    def mutants(self, node: ast.AST) -> Iterator[Mutant]:
        if isinstance(node, ast.If) and _names_type_checking(node.test):
            return
        yield from self._at(node)
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "type_comment"):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from self.mutants(child)

    def _at(self, node: ast.AST) -> Iterator[Mutant]:
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            for left, operator, right in zip(sides, node.ops, sides[1:], strict=False):
                yield from self._between(left, right, _COMPARISONS.get(type(operator)))
        elif isinstance(node, ast.BoolOp):
            new = "or" if isinstance(node.op, ast.And) else "and"
            for left, right in zip(node.values, node.values[1:], strict=False):
                yield from self._between(left, right, new)
        elif isinstance(node, ast.BinOp):
            yield from self._between(node.left, node.right, _OPERATORS.get(type(node.op)))
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            begin = self._offset(node.lineno, node.col_offset)
            yield self._mutant(begin, begin + len(_UNARY_NOT), "")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLS:
            begin = self._offset(node.func.lineno, node.func.col_offset)
            yield self._mutant(begin, begin + len(node.func.id), _CALLS[node.func.id])
        elif isinstance(node, ast.Constant):
            yield from self._constant(node)
        elif isinstance(node, ast.If | ast.IfExp | ast.While) and not _is_negated(node.test):
            begin, end = self._span(node.test)
            yield self._mutant(begin, end, f"not ({self._text[begin:end]})")
        elif isinstance(node, ast.Continue | ast.Break):
            begin, end = self._span(node)
            yield self._mutant(begin, end, "break" if isinstance(node, ast.Continue) else "continue")

    def _constant(self, node: ast.Constant) -> Iterator[Mutant]:
        begin, end = self._span(node)
        if isinstance(node.value, bool):
            yield self._mutant(begin, end, str(not node.value))
        elif isinstance(node.value, int):
            yield self._mutant(begin, end, f"({node.value} + 1)")

    def _between(self, left: ast.expr, right: ast.expr, new: str | None) -> Iterator[Mutant]:
        """The operator between two operands; brackets around them stay."""
        if new is None:
            return
        begin, end = self._span(left)[1], self._span(right)[0]
        between = self._text[begin:end]
        words = between.strip("() \t\n\\")
        if words and "#" not in words and between.count(words) == 1:
            at = begin + between.index(words)
            yield self._mutant(at, at + len(words), new)

    def _mutant(self, begin: int, end: int, new: str) -> Mutant:
        line = self._text.count("\n", 0, begin) + 1
        return Mutant(line, begin, end, self._text[begin:end], new)

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno, node.end_col_offset)

    def _offset(self, line: int, column: int) -> int:
        """Of a place that ast gives as a line and a number of UTF-8 bytes."""
        in_line = self._lines[line - 1].encode()[:column].decode()
        return self._starts[line - 1] + len(in_line)


def _names_type_checking(test: ast.expr) -> bool:
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


def _is_negated(test: ast.expr) -> bool:
    """A condition that begins with `not`, or that is one comparison, has a mutant that says the same already."""
    return isinstance(test, ast.UnaryOp | ast.Compare)
