import os
import subprocess
import sys
import tempfile
import unittest


class Top(unittest.TestCase):
    def test_the_most_frequent_words_come_first(self):
        with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False, encoding="utf-8") as file:
            file.write("b a b,\nc B a")
        self.addCleanup(os.unlink, file.name)
        done = subprocess.run(
            [sys.executable, "-m", "tally", file.name, "--top", "2"], capture_output=True, text=True, check=True
        )
        self.assertEqual(done.stdout, "b  3\na  2\n")
