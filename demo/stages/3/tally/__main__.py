"""`python3 -m tally FILE [--top N]`: how many words the file has, or its most frequent ones."""

import argparse
from collections import Counter

from tally.table import as_table
from tally.words import split_words


def main():
    parser = argparse.ArgumentParser(prog="tally")
    parser.add_argument("file")
    parser.add_argument("--top", type=int, metavar="N")
    args = parser.parse_args()
    with open(args.file, encoding="utf-8") as file:
        words = split_words(file.read())
    print(as_table(Counter(words).most_common(args.top)) if args.top else len(words))


if __name__ == "__main__":
    main()
