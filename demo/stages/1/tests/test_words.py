import unittest

from tally.words import split_words


class Words(unittest.TestCase):
    def test_newlines_and_punctuation_are_no_words(self):
        self.assertEqual(split_words("One,\ntwo - two!"), ["one", "two", "two"])

    def test_korean_stays_whole(self):
        self.assertEqual(split_words("별 하나에, 추억과"), ["별", "하나에", "추억과"])

    def test_nothing_gives_nothing(self):
        self.assertEqual(split_words(""), [])
