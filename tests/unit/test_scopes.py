"""A scope is to okstra's code what `contextlib` makes, whatever happens before, in and after its block."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from okstra_ctl.words.scopes import ignoring, scope

_ERRORS = (ValueError("v"), KeyError("k"), StopIteration("s"), RuntimeError("r"), KeyboardInterrupt("i"))
_MAYBE_ERROR = st.none() | st.sampled_from(_ERRORS)
_AFTER = st.sampled_from(["let through", "swallow", "raise another", "yield again"])


def _steps(before: BaseException | None, after: str, told: list[str]) -> Iterator[str]:
    told.append("set up")
    if before:
        raise before
    try:
        yield "it"
    except BaseException as error:
        told.append(f"met {type(error).__name__}")
        if after == "let through":
            raise
        if after == "raise another":
            raise OSError("another") from error
    finally:
        told.append("taken down")
    if after == "yield again":
        yield "again"


def _outcome(made: Callable[..., Any], before: BaseException | None, within: BaseException | None, after: str) -> Any:
    told: list[str] = []
    try:
        with made(before, after, told) as got:
            told.append(f"has {got}")
            if within:
                raise within
        told.append("went on")
    except BaseException as error:  # noqa: BLE001 (all of them are compared)
        return told, type(error), str(error), type(error.__cause__)
    return told


@given(_MAYBE_ERROR, _MAYBE_ERROR, _AFTER)
def test_a_scope_goes_as_with_contextlib(
    before: BaseException | None, within: BaseException | None, after: str
) -> None:
    if "yield again" in after:  # contextlib says it in words of its own
        ours, theirs = (_outcome(made(_steps), before, within, after) for made in (scope, contextlib.contextmanager))
        assert ours[:2] == theirs[:2]
        return
    assert _outcome(scope(_steps), before, within, after) == _outcome(
        contextlib.contextmanager(_steps), before, within, after
    )


@given(st.none() | st.sampled_from(_ERRORS), st.sampled_from([(ValueError,), (LookupError, RuntimeError), ()]))
def test_ignoring_swallows_what_suppress_does(error: BaseException | None, kinds: tuple[type[Exception], ...]) -> None:
    def outcome(made: Callable[..., Any]) -> object:
        try:
            with made(*kinds):
                if error:
                    raise error
        except BaseException as raised:  # noqa: BLE001 (all of them are compared)
            return raised
        return None

    assert outcome(ignoring) is outcome(contextlib.suppress)


def test_a_scope_decorates_each_call() -> None:
    told: list[str] = []

    @scope
    def around(name: str) -> Iterator[None]:
        """What is around."""
        told.append(f"in {name}")
        yield
        told.append("out")

    @around("x")
    def add(first: int, *, second: int) -> int:
        """Adds."""
        told.append("add")
        return first + second

    assert (add(1, second=2), add(3, second=4)) == (3, 7)
    assert told == ["in x", "add", "out"] * 2
    assert (add.__name__, add.__doc__, around.__doc__) == ("add", "Adds.", "What is around.")


def test_a_scope_is_a_method_too() -> None:
    class Door:
        def __init__(self) -> None:
            self.open = False

        @scope
        def opened(self) -> Iterator[Door]:
            self.open = True
            try:
                yield self
            finally:
                self.open = False

    door = Door()
    with door.opened() as same:
        assert same is door
        assert door.open
    assert not door.open
    with pytest.raises(ZeroDivisionError), door.opened():
        raise ZeroDivisionError
    assert not door.open
