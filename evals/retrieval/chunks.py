"""Documents cut into pieces of so many words, at the ends of paragraphs or sentences.

Two pieces that follow each other share some words, so that a fact at a cut is whole in one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from evals.suite.spec import Document, RetrievalSpec

# Scripts without spaces: each of their characters counts as a word. What has no space for
# very long (a table, encoded data) is cut, so that a piece is bounded in characters, too.
_ALONE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_ALONE}]|[^\s{_ALONE}]{{1,100}}")
_PARAGRAPH = re.compile(r"\n\s*\n")
_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’)\]]*$")


def cut(document: Document, spec: RetrievalSpec) -> tuple[Document, ...]:
    """The pieces of a document in its own order, each with the document's id and title.

    A piece has at most `chunk_words` words. It ends where a paragraph does, else a sentence,
    if one ends in its second half. The next begins at most `overlap_words` words before that
    end, at the beginning of a sentence where one begins there.
    """
    text = document.text
    words = [match.span() for match in _WORD.finditer(text)]
    if len(words) <= spec.chunk_words:
        return (document,)
    pieces = _pieces(words, [_break(text, words, n) for n in range(len(words))], spec)
    return tuple(
        Document(document.id, text[words[start][0] : words[end - 1][1]], document.title)
        for start, end in pieces
    )


def _break(text: str, words: list[tuple[int, int]], number: int) -> int:
    """What ends with a word: 2 a paragraph, 1 a sentence or line, 0 neither."""
    start, end = words[number]
    after = words[number + 1][0] if number + 1 < len(words) else len(text)
    gap = text[end:after]
    if _PARAGRAPH.search(gap):
        return 2
    return int("\n" in gap or bool(_SENTENCE_END.search(text[start:end])))


def _pieces(
    words: list[tuple[int, int]], breaks: list[int], spec: RetrievalSpec
) -> Iterator[tuple[int, int]]:
    """First word of every piece, and the word after its last."""
    start = 0
    while start + spec.chunk_words < len(words):
        end = _end(start, breaks, spec.chunk_words)
        yield start, end
        start = max(start + 1, _next_start(end, breaks, spec.overlap_words))
    yield start, len(words)


def _end(start: int, breaks: list[int], most: int) -> int:
    latest, earliest = start + most, start + (most + 1) // 2
    for wanted in (2, 1):
        for end in range(latest, earliest - 1, -1):
            if breaks[end - 1] >= wanted:
                return end
    return latest


def _next_start(end: int, breaks: list[int], overlap: int) -> int:
    """The beginning of a sentence among the last `overlap` words before `end`, else of them."""
    earliest = end - overlap
    return next((n for n in range(earliest, end) if breaks[n - 1]), earliest)
