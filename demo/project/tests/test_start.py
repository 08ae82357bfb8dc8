import unittest

from tally.words import split_words


class Start(unittest.TestCase):
    def test_two_words(self):
        self.assertEqual(split_words("one two"), ["one", "two"])
