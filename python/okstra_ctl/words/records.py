"""Records: the small immutable values that okstra's parts hand to one another.

A `Record` is what `typing.NamedTuple` makes, field for field, and a type checker takes it for one. It is made here
because a class made by `typing` costs 0.2 ms, and a start imports sixty of them (docs/design/start-up.md).
"""

from __future__ import annotations

__all__ = ["EMPTY", "Record"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any
    from typing import NamedTuple as Record

    EMPTY: Mapping[Any, Any]
else:
    EMPTY = type(type.__dict__)({})  # the default of a field that maps: what `types.MappingProxyType` makes of nothing

    try:
        from _collections import _tuplegetter as _getter
    except ImportError:  # an interpreter without CPython's quick one
        from operator import itemgetter

        def _getter(index, doc):
            return property(itemgetter(index), doc=doc)

    class _RecordType(type):
        """Makes a tuple class of the annotated fields, in their order; a field with a value is optional."""

        def __new__(cls, name, bases, space):
            fields = tuple(space.get("__annotations__", ()))
            defaults = {field: space.pop(field) for field in fields if field in space}
            if not fields and bases != (tuple,):
                raise TypeError(f"{name} has no fields: does its module import `annotations` from `__future__`?")
            if tuple(defaults) != fields[len(fields) - len(defaults) :]:
                raise TypeError(f"{name}: a field without a default follows one with a default")
            space.update((field, _getter(index, None)) for index, field in enumerate(fields))
            space.update(__slots__=(), __match_args__=fields, _fields=fields, _field_defaults=defaults)
            return super().__new__(cls, name, bases, space)

    class Record(tuple, metaclass=_RecordType):
        """The base of all records. A field is read by its name, or by its place as a tuple's item."""

        def __new__(cls, *values, **named):
            if named or len(values) != len(cls._fields):
                values = _completed(cls, values, named)
            return tuple.__new__(cls, values)

        @classmethod
        def _make(cls, values):
            """A record of one value a field, in the fields' order; defaults are not filled in."""
            made = tuple.__new__(cls, values)
            if len(made) != len(cls._fields):
                raise TypeError(f"{cls.__name__} has {len(cls._fields)} fields, and {len(made)} values were given")
            return made

        def _replace(self, **changes):
            """The same record but for these fields. Raises TypeError for a name that is no field."""
            made = tuple.__new__(type(self), map(changes.pop, self._fields, self))
            if changes:
                raise TypeError(f"{type(self).__name__} has no field {', '.join(changes)}")
            return made

        def _asdict(self):
            return dict(zip(self._fields, self, strict=True))

        def __getnewargs__(self):
            return tuple(self)

        def __repr__(self):
            shown = ", ".join(f"{field}={value!r}" for field, value in self._asdict().items())
            return f"{type(self).__name__}({shown})"

    _OFTEN = 2000  # from here on it pays to have the standard library compile a constructor
    _times_completed = {}

    def _completed(cls, values, named):
        """One value a field, of those given by place, those given by name, and the defaults."""
        times = _times_completed[cls] = _times_completed.get(cls, 0) + 1
        if times == _OFTEN:
            _quicken(cls)
        fields = cls._fields
        given = {**cls._field_defaults, **named}
        by_name = fields[len(values) :]
        missing = [field for field in by_name if field not in given]
        if missing:
            raise TypeError(f"{cls.__name__}({', '.join(fields)}) lacks {', '.join(missing)}")
        strays = named.keys() - by_name
        if strays or len(values) > len(fields):
            raise TypeError(f"{cls.__name__}({', '.join(fields)}) was given too much: {len(values)} values, {named}")
        return (*values, *map(given.__getitem__, by_name))

    def _quicken(cls):
        from collections import namedtuple

        made = namedtuple(cls.__name__, cls._fields, defaults=cls._field_defaults.values())
        cls.__new__ = staticmethod(made.__new__)
