"""File patterns: normalising, matching, and whether two of them meet."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okstra_ctl.plan.globs import PatternError, intersect, matches, normalise


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("src/a.py", "src/a.py", True),
        ("src/a.py", "src/b.py", False),
        ("src/*.py", "src/a.py", True),
        ("src/*.py", "src/x/a.py", False),
        ("*.py", "src/a.py", False),
        ("**/*.py", "a.py", True),
        ("**/*.py", "src/x/a.py", True),
        ("src/**", "src/x/a.py", True),
        ("src/**", "src", False),
        ("src/**", "src2/a.py", False),
        ("src/**/a.py", "src/a.py", True),
        ("src/**/a.py", "src/x/y/a.py", True),
        ("**", "anything/at/all", True),
        (".", "anything/at/all", True),
        ("src", "src/x/a.py", True),
        ("src/", "src/x/a.py", True),
        ("src", "src", True),
        ("src", "srcs/a.py", False),
        ("packages/*/src", "packages/a/src/b.py", True),
        ("packages/*/", "packages/a/b.py", True),
        ("packages/*/", "packages/readme.md", False),
        ("docs/*.md", "docs/a.md/b", False),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("[abc].py", "b.py", True),
        ("[!abc].py", "b.py", False),
        ("[^abc].py", "d.py", True),
        ("[a-c]x", "bx", True),
        ("[]x]y", "]y", True),
        ("[.-0]", "/", False),
        ("app/[id]/page.tsx", "app/[id]/page.tsx", True),
        ("app/[id]/page.tsx", "app/i/page.tsx", True),
        ("app/[...slug]/page.tsx", "app/[...slug]/page.tsx", True),
        ("a[b", "a[b", True),
        ("a**b", "axxb", True),
        ("a**b", "a/b", False),
        ("*", ".env", True),
        ("./src//a.py", "src/a.py", True),
        ("src/x/../a.py", "src/a.py", True),
        ("SRC/a.py", "src/a.py", False),
        ("문서/새 파일.md", "문서/새 파일.md", True),
        ("문서", "문서/a.md", True),
        ("socket.io", "socket.io/a.js", False),
        ("socket.io/", "socket.io/a.js", True),
        ("libs/sub/", "libs/sub", True),
        ("../x", "../x", False),
        ("src", "src/../etc", False),
        ("src", "/src/a", False),
    ],
)
def test_matches(pattern: str, path: str, expected: bool) -> None:
    assert matches(pattern, path) is expected


def test_composed_and_decomposed_korean_are_the_same() -> None:
    assert matches("한글.md", "한글.md")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("src/a.py", "src/a.py", True),
        ("src/a.py", "src/b.py", False),
        ("src", "src/b.py", True),
        ("src", "srcs/b.py", False),
        ("src/*.py", "src/a*", True),
        ("src/*.py", "src/*.md", False),
        ("src/**/*.py", "src/**/*.md", False),
        ("**/a.py", "**/b.py", False),
        ("**/Makefile", "**/Dockerfile", False),
        ("**/tests", "**/docs", True),
        ("**/a.py", "src/**", True),
        ("**", "src/a.py", True),
        ("a/**/z", "a/b/**/y/z", True),
        ("a*b", "b*a", False),
        ("a*", "*b", True),
        ("[ab]x", "[bc]x", True),
        ("[ab]x", "[cd]x", False),
        ("[!a]x", "ax", False),
        ("[!a]x", "[!b]x", True),
        ("[!a]x", "[!a]x", True),
        ("[!a-y]x", "[a-z]x", True),
        ("[!a-z]x", "[a-z]x", False),
        ("?.py", "ab.py", False),
        (".?*", "?.*", True),
        ("app/[id]/page.tsx", "app/[slug]/page.tsx", False),
        ("app/[id]/page.tsx", "app/*/page.tsx", True),
        ("app/[id]/a", "app/[[]id]/a", True),
        ("a[b/c", "a[b/d", False),
        ("../a", "../a", False),
        ("src/a.py/", "src/a.py", True),
        ("src/a.py", "src/a.py/b", False),
        ("src/a.py", "**/*.md", False),
        ("src/cart", "**/*.md", True),
        ("LICENSE", "**/*.md", False),
        ("changes", "changes/1.md", True),
        ("v1.2", "v1.2/a.md", True),
        ("etc/conf.d", "etc/conf.d/a.conf", True),
    ],
)
def test_intersect(one: str, other: str, expected: bool) -> None:
    assert intersect(one, other) is expected
    assert intersect(other, one) is expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("./src//a.py", "src/a.py"),
        ("src/", "src/"),
        ("src/x/../a.py", "src/a.py"),
        ("src/**/**/a", "src/**/a"),
        ("src\\a.py", "src/a.py"),
        (".", "**"),
        ("**/", "**"),
        (" a b ", "a b"),
        (".github/workflows", ".github/workflows"),
        (".gitignore", ".gitignore"),
        (".git*", ".git*"),
        ("[...slug]/x", "[...slug]/x"),
    ],
)
def test_normalise(pattern: str, expected: str) -> None:
    assert normalise(pattern) == expected
    assert normalise(expected) == expected


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "/etc/passwd",
        "\\\\server\\share",
        "~",
        "~root/x",
        "C:/x",
        "c:x",
        "..",
        "a/../../b",
        "**/../a",
        ".git",
        "a/.git/b",
        ".Git/x",
        ".git./x",
        "git~1/x",
        ".okstra/**",
        ".[o]kstra/x",
        "a\nb",
        "a\x00b",
        "a\x1bb",
        "\ud800",
        "x" * 300,
        "x/" * 3000,
        "file:///etc/passwd",
    ],
)
def test_normalise_refuses(pattern: str) -> None:
    with pytest.raises(PatternError):
        normalise(pattern)
    assert not matches(pattern, "a")
    assert not intersect(pattern, "**")


# Few letters and short paths, so that all of them can be tried.
NAMES = ["".join(letters) for size in (1, 2, 3) for letters in product("ab", repeat=size)]
SHORT_PATHS = ["/".join(names) for size in (1, 2) for names in product(NAMES, repeat=size)]
LONG_PATHS = SHORT_PATHS + ["/".join(names) for names in product(["a", "b", "ab"], repeat=3)]

pieces = st.sampled_from(["a", "b", "x", "*", "?", "[ab]", "[!a]", "[a-x]", "[a"])
names = st.one_of(st.just("**"), st.lists(pieces, min_size=1, max_size=3).map("".join))
patterns = st.builds(
    lambda parts, end: "/".join(parts) + end, st.lists(names, min_size=1, max_size=3), st.sampled_from(["", "", "/"])
)
# Patterns whose common paths, if there are any, include one of SHORT_PATHS: two names of at most three letters.
short_name = st.lists(st.sampled_from(["a", "b", "?", "[ab]", "[!a]"]), min_size=1, max_size=2).map("".join)
starred = st.builds(
    lambda before, after: before + "*" + after,
    st.sampled_from(["", "a", "b"]),
    st.sampled_from(["", "a", "b"]),
)
small_patterns = st.lists(st.one_of(short_name, starred), min_size=1, max_size=2).map("/".join)


@given(patterns, patterns)
@settings(max_examples=300, deadline=None)
def test_a_common_path_means_that_they_meet(one: str, other: str) -> None:
    if any(matches(one, path) and matches(other, path) for path in LONG_PATHS):
        assert intersect(one, other)


@given(small_patterns, small_patterns)
@settings(max_examples=300, deadline=None)
def test_meeting_means_a_common_path(one: str, other: str) -> None:
    common = any(matches(one, path) and matches(other, path) for path in SHORT_PATHS)
    assert intersect(one, other) == common


@given(patterns, patterns)
@settings(max_examples=200, deadline=None)
def test_order_does_not_matter(one: str, other: str) -> None:
    assert intersect(one, other) == intersect(other, one)


@given(patterns)
@settings(max_examples=200, deadline=None)
def test_normalising_twice_changes_nothing_more(pattern: str) -> None:
    try:
        once = normalise(pattern)
    except PatternError:
        return
    assert normalise(once) == once
    # A pattern that leaves no path (a class without members aside) meets itself.
    assert intersect(once, pattern)


@given(st.text(), st.text())
@settings(max_examples=300, deadline=None)
def test_no_text_raises(one: str, other: str) -> None:
    matches(one, other)
    intersect(one, other)


def test_long_patterns_end_soon() -> None:
    stars = "*a" * 120
    assert not matches(stars + "b", "a" * 250)
    assert intersect("/".join([stars + "*"] * 8), "/".join(["*b" * 120 + "*"] * 8))
    assert not intersect(stars + "c", stars + "d")
