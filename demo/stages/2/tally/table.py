"""Words and their counts as an aligned table."""


def as_table(counts):
    if not counts:
        return ""
    names = max(len(word) for word, _ in counts)
    digits = max(len(str(count)) for _, count in counts)
    return "\n".join(f"{word:<{names}}  {count:>{digits}}" for word, count in counts)
