"""Scopes: what is set up before a `with` block and taken down after it.

`scope` and `ignoring` are what `contextlib` calls `contextmanager` and `suppress`, and a type checker takes them for
those. They are made here because `contextlib` costs a start 3 ms, by what it imports (docs/design/start-up.md).
"""

from __future__ import annotations

__all__ = ["ignoring", "scope"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import contextmanager as scope
    from contextlib import suppress as ignoring
else:

    class _Scope:
        """Runs a generator up to its `yield` before the block, and on from there after it."""

        def __init__(self, function, values, named):
            self._function, self._values, self._named = function, values, named

        def __enter__(self):
            self._steps = self._function(*self._values, **self._named)
            return next(self._steps)

        def __exit__(self, kind, error, trace):
            if error is None:
                if next(self._steps, self) is not self:
                    raise _went_on()
                return False
            try:
                self._steps.throw(error)
            except StopIteration as ended:
                return ended is not error  # the generator swallowed the error
            except BaseException as raised:
                if raised is error or _is_wrapped(raised, error):
                    error.__traceback__ = trace
                    return False
                raise
            raise _went_on()

        def __call__(self, function):
            """As a decorator: around each call of the function."""

            def within(*values, **named):
                with _Scope(self._function, self._values, self._named):
                    return function(*values, **named)

            return _named_after(function, within)

    def _is_wrapped(raised, error):
        """A StopIteration that leaves a generator is made a RuntimeError by Python."""
        return isinstance(raised, RuntimeError) and isinstance(error, StopIteration) and raised.__cause__ is error

    def _went_on():
        return RuntimeError("a scope has more than one yield")

    def _named_after(function, made):
        for name in ("__module__", "__name__", "__qualname__", "__doc__"):
            setattr(made, name, getattr(function, name))
        made.__wrapped__ = function
        return made

    def scope(function):
        """Makes a function with one `yield` into one that answers a scope."""

        def begin(*values, **named):
            return _Scope(function, values, named)

        return _named_after(function, begin)

    class ignoring:  # noqa: N801 (it is called like a function)
        """A scope that swallows errors of these kinds."""

        def __init__(self, *kinds):
            self._kinds = kinds

        def __enter__(self):
            return None

        def __exit__(self, kind, error, trace):
            return kind is not None and issubclass(kind, self._kinds)
