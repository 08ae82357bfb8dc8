"""Hiding keys and passwords in what okstra keeps: logs of any size, results, prompts, reports.

The detectors take a tenth of a second to load. So a line goes to them only when it looks as if it could contain a
secret, and equal lines only once; text without keys costs one search. Long lines go to them in pieces: the time of some
of their patterns grows with the square of the length.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import IO, Protocol

from ..errors import Unreadable
from ..status import HIDDEN_MARK as MARK
from . import files, foreign_files
from .text import text_bytes

_SUSPECT = re.compile(
    r"AKIA|ASIA|gh[pousr]_|github_pat_|glpat-|\bsk-|[rs]k_live_|xox[abeoprs]-|AIza|eyJ[\w-]{8}|-----BEGIN|npm_|pypi-"
    r"|SG\.|AccountKey=|://[^/\s:@]+:[^/\s@]+@|\b[0-9]{8,10}:AA[\w-]{30}"
)
# Formats of the agents' own providers, which the detectors do not know, or know only by their prefix; and npm's,
# whose pattern there takes too long on many slashes.
_OWN = {
    "Anthropic key": re.compile(r"sk-ant-[\w-]{16,}"),
    "OpenAI key": re.compile(r"sk-(?:proj-|svcacct-)?[\w-]{20,}"),
    "Google key": re.compile(r"AIza[\w-]{30,}"),
    "GitLab token": re.compile(r"glpat-[\w-]{20,}"),
    "GitHub token": re.compile(r"(?:gh[pousr]_|github_pat_)\w{20,}"),
    "NPM tokens": re.compile(r"(?<=/:_authToken=)\s*(?:npm_.+|[A-Fa-f0-9-]{36})"),
}
_DETECTORS = {
    "artifactory": "ArtifactoryDetector",
    "aws": "AWSKeyDetector",
    "azure_storage_key": "AzureStorageKeyDetector",
    "basic_auth": "BasicAuthDetector",
    "cloudant": "CloudantDetector",
    "discord": "DiscordBotTokenDetector",
    "gitlab_token": "GitLabTokenDetector",
    "ibm_cloud_iam": "IbmCloudIamDetector",
    "mailchimp": "MailchimpDetector",
    "pypi_token": "PypiTokenDetector",
    "sendgrid": "SendGridDetector",
    "slack": "SlackDetector",
    "square_oauth": "SquareOAuthDetector",
    "stripe": "StripeDetector",
    "telegram_token": "TelegramBotTokenDetector",
    "twilio": "TwilioKeyDetector",
}
_BEGIN = "-----BEGIN "
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_REST_OF_TOKEN = re.compile(r"[\w.~+/=-]*")
_SHORTEST = 6
_PIECE, _SHARED = 32 * 1024, 4 * 1024
_END_OF_WORD = re.compile(r"[\s\"'`,;<>(){}\[\]]")
_MOST_SOUGHT = 100  # different secrets of one long line that are looked for outside the piece they were found in

Span = tuple[int, int, str]
_BLOCK = 4 * 1024 * 1024
_LONGEST_LINE = 32 * 1024 * 1024
_KEY_BEGINS = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_KEY_ENDS = re.compile(rb"-----END [A-Z ]*PRIVATE KEY-----")


class Detector(Protocol):
    secret_type: str

    def analyze_string(self, string: str) -> Iterator[str]: ...


def hide(text: str) -> tuple[str, dict[str, int]]:
    """Returns the text with every secret replaced by its kind, and how many of each kind there were."""
    if _SUSPECT.search(text) is None:
        return text, {}
    found: Counter[str] = Counter()
    if _BEGIN in text:
        text, times = _PRIVATE_KEY.subn(f"{MARK}private key]", text)
        found.update({"private key": times} if times else {})
    known: dict[str, tuple[str, Counter[str]]] = {}
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if _SUSPECT.search(line):
            if line not in known:
                known[line] = _hide_in_line(line)
            lines[number], kinds = known[line]
            found.update(kinds)
    return "\n".join(lines), dict(found)


def _hide_in_line(line: str) -> tuple[str, Counter[str]]:
    found: Counter[str] = Counter()
    for kind, form in _OWN.items():
        line, times = form.subn(f"{MARK}{kind}]", line)
        found.update({kind: times} if times else {})
    parts, position = [], 0
    for begin, end, kind in _merged(_spans(line)):
        parts += [line[position:begin], f"{MARK}{kind}]"]
        position = end
        found[kind] += 1
    return "".join([*parts, line[position:]]), found


def _spans(line: str) -> list[Span]:
    """Where the detectors' secrets are, each with the rest of its word; a secret is hidden wherever it occurs."""
    spans: list[Span] = []
    kinds: dict[str, str] = {}
    pieces = list(_pieces(line))
    for begin, end in pieces:
        here = dict(_detected(line[begin:end]))
        kinds.update(here)
        spans += [span for secret, kind in here.items() for span in _places(line, secret, kind, begin, end)]
    if len(pieces) > 1 and len(kinds) <= _MOST_SOUGHT:
        spans += [span for secret, kind in kinds.items() for span in _places(line, secret, kind, 0, len(line))]
    return spans


def _pieces(line: str) -> Iterator[tuple[int, int]]:
    """The line in overlapping pieces that cut no word, unless the word is longer than a piece."""
    begin = 0
    while True:
        end = begin + _PIECE
        if end >= len(line):
            yield begin, len(line)
            return
        cut = _END_OF_WORD.search(line, end, end + _PIECE)
        end = cut.start() if cut else end + _PIECE
        yield begin, end
        begin = end - _SHARED


def _places(line: str, secret: str, kind: str, begin: int, end: int) -> Iterator[Span]:
    at = line.find(secret, begin, end)
    while at >= 0:
        rest = _REST_OF_TOKEN.match(line, at + len(secret))
        after = rest.end() if rest else at + len(secret)
        yield at, after, kind
        at = line.find(secret, after, end)


def _merged(spans: list[Span]) -> Iterator[Span]:
    """In order, overlapping spans joined; a joined span has the kind of the first."""
    merged: list[Span] = []
    for begin, end, kind in sorted(spans):
        if merged and begin < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]), merged[-1][2])
        else:
            merged.append((begin, end, kind))
    return iter(merged)


def _detected(text: str) -> Iterator[tuple[str, str]]:
    for detector in _detectors():
        for secret in detector.analyze_string(text):
            if len(secret) >= _SHORTEST and not _is_placeholder(secret):
                yield secret, detector.secret_type


def _is_placeholder(text: str) -> bool:
    """`$NAME`, `{name}`, `<name>`: a placeholder is not a secret."""
    return text.startswith("$") or text[0] + text[-1] in ("{}", "<>")


class JwtDetector:
    """Finds what detect-secrets' own detector finds, in one pass: that one's pattern restarts at every `eyJ` of a
    word."""

    secret_type = "JSON Web Token"
    _words = re.compile(r"(?<![A-Za-z0-9_=-])([A-Za-z0-9_=-]+)\.(?=([A-Za-z0-9_=-]+\.?))")

    def analyze_string(self, string: str) -> Iterator[str]:
        from detect_secrets.plugins.jwt import JwtTokenDetector

        for word in self._words.finditer(string):
            at = word[1].find("eyJ")
            token = f"{word[1][at:]}.{word[2]}"
            if at >= 0 and JwtTokenDetector.is_formally_valid(token):
                yield token


_loaded: list[Detector] = []


def _detectors() -> list[Detector]:
    """Loaded on first use. They keep no state, so threads can use them in parallel."""
    if not _loaded:
        modules = {name: import_module(f"detect_secrets.plugins.{name}") for name in _DETECTORS}
        _loaded[:] = [*(getattr(modules[name], of_it)() for name, of_it in _DETECTORS.items()), JwtDetector()]
    return _loaded


Block = tuple[int, int]
"""Its place in the file, and its length."""


def hide_in_log(path: str) -> dict[str, int]:
    """Hides secrets in a log, in place; returns how many of each kind there were.

    If the path is not a regular file, it is no longer okstra's log and is set aside. Raises WorkFailed.
    """
    try:
        return hide_in_file(path)
    except Unreadable:
        foreign_files.set_aside(path)
        return {}


def hide_in_file(path: str) -> dict[str, int]:
    """As `hide_in_log`, for any file; one without secrets is not written. Raises WorkFailed, Unreadable."""
    found: Counter[str] = Counter()
    file = foreign_files.open_plain(path)
    if file is None:
        return {}
    with file:
        changed = dict(_changed_blocks(file, found))
        if changed:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            files.replace_in_parts(path, _parts(file, changed), mode=mode)
    return dict(found)


def _changed_blocks(file: IO[bytes], found: Counter[str]) -> Iterator[tuple[Block, bytes]]:
    """The blocks that contain secrets, with their replacements. A private key may span several blocks."""
    inside = False
    for block, data in _blocks(file):
        rest = data
        if inside:
            end = _KEY_ENDS.search(data)
            if end is None:
                yield block, b""
                continue
            rest, inside = data[end.end() :], False
        hidden, kinds = hide(rest.decode("utf-8", "surrogateescape"))
        found.update(kinds)
        inside = _is_open(rest)
        if kinds or rest is not data:
            yield block, text_bytes(hidden) + (b"\n" if inside else b"")


def _is_open(data: bytes) -> bool:
    """Whether the last private key that begins there ends in a later block."""
    begins = [begin.end() for begin in _KEY_BEGINS.finditer(data)]
    return bool(begins) and _KEY_ENDS.search(data, begins[-1]) is None


def _blocks(file: IO[bytes]) -> Iterator[tuple[Block, bytes]]:
    """The file in blocks of whole lines."""
    file.seek(0)
    place, data = 0, b""
    while True:
        more = file.read(_BLOCK)
        data += more
        end = data.rfind(b"\n") + 1
        if not more or (not end and len(data) >= _LONGEST_LINE):
            end = len(data)
        if end:
            yield (place, end), data[:end]
            place, data = place + end, data[end:]
        if not more:
            return


def _parts(file: IO[bytes], changed: Mapping[Block, bytes]) -> Iterator[bytes]:
    position = 0
    for (place, length), data in sorted(changed.items()):
        yield from _between(file, position, place)
        yield data
        position = place + length
    yield from _between(file, position, os.fstat(file.fileno()).st_size)


def _between(file: IO[bytes], begin: int, end: int) -> Iterator[bytes]:
    while begin < end and (data := os.pread(file.fileno(), min(_BLOCK, end - begin), begin)):
        yield data
        begin += len(data)
