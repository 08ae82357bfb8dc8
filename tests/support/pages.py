"""Reading an HTML page back, and texts that try to be more than text."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import strategies as st

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
HOSTILE = st.sampled_from(["</script>", "<!--", "]]>", '" onload="x', "'", "&lt;", "<b>", "\x1b[31m", "\u202e", "\0"])


class Collector(HTMLParser):
    """Every element with its attributes, and all text."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.data = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.data += data
