"""Sends one message to each Apprise URL; a process of its own, so that a slow service can be given up on.

Reads `{"urls", "title", "body"}` from stdin, so that no URL stands in a list of processes. Prints a list of
`{"to", "sent", "reason"}`: `to` is the URL without its secrets. Knows nothing of okstra.
"""

import json
import logging
import sys
from concurrent.futures import ThreadPoolExecutor


class _Last(logging.Handler):
    """Keeps the last complaint."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text = record.getMessage()


def _send(url: str, title: str, body: str) -> tuple[str, bool]:
    import apprise

    service = apprise.Apprise.instantiate(url, suppress_exceptions=True)
    if service is None:
        return "", False
    return str(service.url(privacy=True)), bool(service.notify(body, title=title))


def main() -> None:
    asked = json.load(sys.stdin)
    complaints = _Last()
    logging.getLogger("apprise").addHandler(complaints)
    with ThreadPoolExecutor(max_workers=8) as pool:
        ended = list(pool.map(lambda url: _send(url, asked["title"], asked["body"]), asked["urls"]))
    rows = [{"to": to, "sent": sent, "reason": "" if sent else complaints.text} for to, sent in ended]
    json.dump(rows, sys.stdout)


if __name__ == "__main__":
    main()
