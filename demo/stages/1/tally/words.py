"""Cutting a text into words."""

import re

_WORD = re.compile(r"\w+")


def split_words(text):
    return [word.lower() for word in _WORD.findall(text)]
