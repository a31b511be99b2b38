"""What a rendered page is made of, as the standard library's HTML parser sees it."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser

VOID = {"meta", "input", "br", "link", "img", "base"}


class PageReader(HTMLParser):
    """Counts elements and attributes, keeps the text, and checks that all are closed."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: Counter[str] = Counter()
        self.attributes: set[tuple[str, str]] = set()
        self.values: dict[str, list[str]] = {}
        self.classes: set[str] = set()
        self.texts: list[str] = []
        self.headings: list[int] = []
        self.open: list[str] = []
        self.comments = 0
        self.feed(page)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        for name, value in attrs:
            self.attributes.add((tag, name))
            self.values.setdefault(name, []).append(value or "")
            if name == "class":
                self.classes.update((value or "").split())
        if tag in {"h1", "h2", "h3", "h4"}:
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "script" not in self.open and "style" not in self.open:
            self.texts.append(data)

    def handle_comment(self, _: str) -> None:
        self.comments += 1

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())
