"""Word-level differences between two texts, by their longest common subsequence of words.

Texts of more words than `MOST_WORDS` count as replaced whole between their common beginning and
end: outputs are hostile, and a report must not hang on one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from rapidfuzz.distance import LCSseq

from reports.excerpts import Passage

Part = Literal["same", "removed", "added"]

MOST_WORDS = 4_000
_AHEAD = 4

_WORD = re.compile(r"\w+\s*|[^\w\s]\s*|\s+")


@dataclass(frozen=True)
class Piece:
    """A stretch of one text: shared with the other text, or only in this one."""

    text: str
    part: Part

    @property
    def passage(self) -> Passage:
        """The text to show in full: whatever was too long was cut before comparing."""
        return Passage(self.text)


class Difference(NamedTuple):
    """Both texts cut into pieces; joined, each side's pieces give that text back."""

    before: tuple[Piece, ...]
    after: tuple[Piece, ...]


def compare_texts(before: str, after: str) -> Difference:
    """Mark what only one of two texts has, word by word. White space alone never differs."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    kept_old, kept_new = _matches([w.strip() for w in old], [w.strip() for w in new])
    return Difference(_pieces(old, kept_old, "removed"), _pieces(new, kept_new, "added"))


def shown_difference(before: str, after: str, most: int) -> Difference:
    """The first `most` characters of both texts, marked by more of each than is shown.

    Words that the other text has behind its cut are not called missing, unless they stand further
    behind than `_AHEAD` times as much as is shown.
    """
    found = compare_texts(before[: _AHEAD * most], after[: _AHEAD * most])
    return Difference(_beginning(found.before, most), _beginning(found.after, most))


def _beginning(pieces: tuple[Piece, ...], most: int) -> tuple[Piece, ...]:
    kept: list[Piece] = []
    for piece in pieces:
        if most <= 0:
            break
        kept.append(Piece(piece.text[:most], piece.part))
        most -= len(piece.text)
    return tuple(kept)


def _pieces(words: list[str], kept: set[int], changed: Part) -> tuple[Piece, ...]:
    """Neighbouring words of the same kind, joined."""
    pieces: list[Piece] = []
    for index, word in enumerate(words):
        part: Part = "same" if index in kept else changed
        if pieces and pieces[-1].part == part:
            pieces[-1] = Piece(pieces[-1].text + word, part)
        else:
            pieces.append(Piece(word, part))
    return tuple(_without_edges(pieces))


def _without_edges(pieces: list[Piece]) -> Iterator[Piece]:
    """White space at the end of a changed stretch is not marked: it is not what changed."""
    space = ""
    for piece in pieces:
        if piece.part == "same":
            yield Piece(space + piece.text, "same")
            space = ""
            continue
        bare = piece.text.rstrip()
        space = piece.text[len(bare) :]  # two changed pieces never stand side by side
        if bare:
            yield Piece(bare, piece.part)
    if space:
        yield Piece(space, "same")


def _matches(old: list[str], new: list[str]) -> tuple[set[int], set[int]]:
    """Indices of the words that both share, in order."""
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    kept_old = set(range(start)) | set(range(len(old) - end, len(old)))
    kept_new = set(range(start)) | set(range(len(new) - end, len(new)))
    inner_old, inner_new = old[start : len(old) - end], new[start : len(new) - end]
    if max(len(inner_old), len(inner_new)) <= MOST_WORDS:
        for one in LCSseq.opcodes(inner_old, inner_new):
            if one.tag == "equal":
                kept_old.update(range(start + one.src_start, start + one.src_end))
                kept_new.update(range(start + one.dest_start, start + one.dest_end))
    return kept_old, kept_new
