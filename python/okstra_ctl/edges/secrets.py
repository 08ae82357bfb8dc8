"""Hiding keys and passwords in what okstra keeps: logs, results, prompts, reports (spec 5; formats by detect-secrets).

The detector takes milliseconds a line and a tenth of a second to load. So a line goes to it only when it looks
as if it could hold something; what has no key in it costs one search.
"""

from __future__ import annotations

import os
import re
from _thread import allocate_lock
from collections import Counter

from ..core.evidence import HIDDEN_MARK as MARK
from ..core.text_bytes import text_bytes
from . import fsio

_SUSPECT = re.compile(
    r"AKIA|ASIA|gh[pousr]_|github_pat_|glpat-|\bsk-|[rs]k_live_|xox[abeoprs]-|AIza|eyJ[\w-]{8}|-----BEGIN|npm_|pypi-"
    r"|SG\.|AccountKey=|://[^/\s:@]+:[^/\s@]+@|\b[0-9]{8,10}:AA[\w-]{30}"
)
# Formats of the agents' own providers, which the detector does not know, or tells by their beginning alone.
_OWN = {
    "Anthropic key": re.compile(r"sk-ant-[\w-]{16,}"),
    "OpenAI key": re.compile(r"sk-(?:proj-|svcacct-)?[\w-]{20,}"),
    "Google key": re.compile(r"AIza[\w-]{30,}"),
    "GitLab token": re.compile(r"glpat-[\w-]{20,}"),
    "GitHub token": re.compile(r"(?:gh[pousr]_|github_pat_)\w{20,}"),
}
_DETECTORS = (
    "ArtifactoryDetector AWSKeyDetector AzureStorageKeyDetector BasicAuthDetector CloudantDetector "
    "DiscordBotTokenDetector GitLabTokenDetector IbmCloudIamDetector JwtTokenDetector MailchimpDetector NpmDetector "
    "PypiTokenDetector SendGridDetector SlackDetector SquareOAuthDetector StripeDetector TelegramBotTokenDetector "
    "TwilioKeyDetector"
)
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_one_at_a_time = allocate_lock()
_REST_OF_TOKEN = r"[\w.~+/=-]*"


def hide(text: str) -> tuple[str, dict[str, int]]:
    """The text with every secret replaced by what it was, and how many of each kind there were."""
    if _SUSPECT.search(text) is None:
        return text, {}
    found: Counter[str] = Counter()
    text = _replace(_PRIVATE_KEY, "private key", text, found)
    lines = [_hide_in_line(line, found) if _SUSPECT.search(line) else line for line in text.split("\n")]
    return "\n".join(lines), dict(found)


def _hide_in_line(line: str, found: Counter[str]) -> str:
    for kind, form in _OWN.items():
        line = _replace(form, kind, line, found)
    for kind, secret in _detected(line):
        line = _replace(re.compile(re.escape(secret) + _REST_OF_TOKEN), kind, line, found)
    return line


def _replace(form: re.Pattern[str], kind: str, text: str, found: Counter[str]) -> str:
    hidden, times = form.subn(f"{MARK}{kind}]", text)
    if times:
        found[kind] += times
    return hidden


def hide_in_file(path: str) -> dict[str, int]:
    """The same, in place; a file without secrets is not written. Raises WorkFailed, Unreadable."""
    data = fsio.read_bytes(path)
    if data is None:
        return {}
    text = data.decode("utf-8", "surrogateescape")
    hidden, found = hide(text)
    if found:
        fsio.replace(path, text_bytes(hidden), mode=os.stat(path).st_mode & 0o777)
    return found


def _detected(line: str) -> list[tuple[str, str]]:
    """The detector keeps its settings for the whole process, so the workers' threads ask it one at a time."""
    from detect_secrets.core.scan import scan_line
    from detect_secrets.settings import transient_settings

    with _one_at_a_time, transient_settings({"plugins_used": [{"name": name} for name in _DETECTORS.split()]}):
        found = [(one.type, one.secret_value or "") for one in scan_line(line)]
    return [(kind, secret) for kind, secret in found if len(secret) > 5]
