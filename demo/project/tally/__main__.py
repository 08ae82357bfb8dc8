"""`python3 -m tally FILE`: how many words the file has."""

import sys

from tally.words import split_words


def main(argv):
    with open(argv[0], encoding="utf-8") as file:
        print(len(split_words(file.read())))


if __name__ == "__main__":
    main(sys.argv[1:])
