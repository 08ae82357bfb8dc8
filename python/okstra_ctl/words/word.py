"""Words: the closed sets that statuses, outcomes and verdicts are chosen from.

A `Word` is what `class Word(str, Enum)` makes, and a type checker takes it for one. It is made here because `enum`
costs a start 5 ms: what it imports, and 0.1 ms for each set (docs/design/start-up.md).
"""

from __future__ import annotations

__all__ = ["Word"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from enum import Enum

    class Word(str, Enum): ...

else:

    class _SetOfWords(type):
        """Makes a member of each text in the class's body; the class itself is the set of them, in their order."""

        def __new__(cls, name, bases, space):
            texts = {own: text for own, text in space.items() if type(text) is str and not own.startswith("__")}
            for own in texts:
                del space[own]
            made = super().__new__(cls, name, bases, space)
            made._members = {}
            for own, text in texts.items():
                member = made._members[text] = str.__new__(made, text)
                member.name, member.value = own, text
                setattr(made, own, member)
            return made

        def __call__(cls, text):
            """The member of that text. Raises ValueError when there is none."""
            try:
                return cls._members[text]
            except (KeyError, TypeError):
                raise ValueError(f"{text!r} is not a valid {cls.__name__}") from None

        def __iter__(cls):
            return iter(cls._members.values())

        def __len__(cls):
            return len(cls._members)

    class Word(str, metaclass=_SetOfWords):
        """A word of a closed set; it is its text. `value` is the text alone, `name` what the source calls it."""

        def __reduce__(self):
            return type(self), (self.value,)  # a copy is the member itself

        def __repr__(self):
            return f"{type(self).__name__}.{self.name}"
