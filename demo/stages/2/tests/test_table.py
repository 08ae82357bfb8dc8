import unittest

from tally.table import as_table


class Table(unittest.TestCase):
    def test_columns_are_aligned(self):
        self.assertEqual(as_table([("two", 12), ("a", 3)]), "two  12\na     3")

    def test_an_empty_table_is_empty(self):
        self.assertEqual(as_table([]), "")
