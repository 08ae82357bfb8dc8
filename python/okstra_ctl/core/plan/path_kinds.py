"""What a path is, judged by its name alone: a file or a folder, code or documentation. Light to import."""

from __future__ import annotations

import re

from .word_sets import word_set

_EXTENSION = re.compile(r"[^./]\.(?!(?:d|app|bundle|framework|xc\w+|lproj|egg-info)$)[A-Za-z][A-Za-z0-9_-]{0,11}$")
_PLAIN_FILE = re.compile(r"[\w@+~*?-][\w@+~.*?\[\]-]*\.[A-Za-z*][A-Za-z0-9*]{0,9}$")
_DOT_FILE = re.compile(r"\.[A-Za-z][\w.-]+$")

# Files that have no extension by custom; every other bare name may be a folder.
_WELL_KNOWN = word_set(
    "makefile gnumakefile dockerfile containerfile rakefile gemfile procfile vagrantfile jenkinsfile justfile brewfile "
    "pipfile podfile fastfile caddyfile license licence copying notice authors codeowners readme changelog changes "
    "contributing version"
)

# Two words with a slash between that are prose.
_PROSE = word_set(
    "and/or either/or yes/no true/false on/off in/out read/write input/output i/o client/server get/set pass/fail "
    "add/remove start/stop before/after n/a w/o w/ ci/cd tcp/ip red/green up/down left/right "
    "request/response success/failure import/export encode/decode try/except try/catch 및/또는"
)
_ABBREVIATIONS = word_set("e.g i.e a.m p.m u.s ph.d")

_DOC_FOLDERS = word_set("doc docs documentation")
_TEST_FOLDERS = word_set(
    "test tests testing spec specs __tests__ __mocks__ __snapshots__ e2e fixtures testdata cypress"
)
_TEST_FILE = re.compile(
    r"^(?:tests?|spec)[_.-]|[_.-](?:tests?|spec|specs)\.[^/]+$|[a-z0-9*](?:Tests?|Spec)\.\w+$|\.bats$|^conftest\.py$"
)
_NOT_CODE = re.compile(
    r"\.(?:md|mdx|markdown|rst|txt|adoc|pdf|csv|tsv|svg|png|jpe?g|gif|webp|ico|ya?ml|toml|json|jsonc|json5|ini|cfg|conf|"
    r"env|lock|properties|editorconfig|gitignore|gitattributes|gitkeep|dockerignore|npmrc|nvmrc|xml|po|pot|snap)$",
    re.IGNORECASE,
)
_NOT_CODE_NAMES = word_set(
    "license licence copying notice authors codeowners readme changelog changes contributing version"
)


def looks_like_file(name: str) -> bool:
    """Whether the last name (str) of a path is a file's and not a folder's."""
    return _EXTENSION.search(name) is not None or _is_known_file(name)


def _is_known_file(name: str) -> bool:
    # `Makefile` and `README` are files; "changes" and "version" are words, or folders.
    known = name.casefold() in _WELL_KNOWN
    return known and (name.isupper() or (name[:1].isupper() and name.endswith("file")))


def looks_like_path(word: str) -> bool:
    """Whether a word (str) of prose is a path: it has a slash or a file extension, and is no turn of phrase."""
    low = word.casefold()
    if "://" in word or low in _PROSE or low in _ABBREVIATIONS:
        return False
    if "/" in word:
        return any(character.isalnum() for character in word)
    return _is_known_file(word) or bool(_PLAIN_FILE.match(word) or _DOT_FILE.match(word))


def is_test_path(path: str) -> bool:
    """Whether a path or pattern (str) names tests or what only tests use."""
    *folders, name = path.rstrip("/").split("/")
    named = _TEST_FILE.search(name) is not None or (name in _TEST_FOLDERS and not looks_like_file(name))
    return named or any(folder.casefold() in _TEST_FOLDERS for folder in folders)


def is_code_path(path: str) -> bool:
    """Whether a path or pattern (str) may name code: not tests, documentation, settings or plain data."""
    names = path.rstrip("/").casefold().split("/")
    if is_test_path(path) or not _DOC_FOLDERS.isdisjoint(names):
        return False
    return _NOT_CODE.search(names[-1]) is None and names[-1] not in _NOT_CODE_NAMES
