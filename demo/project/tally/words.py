"""Cutting a text into words."""


def split_words(text):
    return text.split(" ")
