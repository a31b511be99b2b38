"""Word-level differences between two texts, bounded in time whatever the texts are.

The longest common subsequence is found by the textbook table over words, after cutting
common beginnings and ends. Where what is left is too long for the table, it counts as
replaced whole: outputs are hostile, and a report must not hang on one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from reports.excerpts import Passage

Part = Literal["same", "removed", "added"]

# The table has at most this many cells: about 20 ms for the worst pair of texts.
MOST_CELLS = 90_000

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
    if len(inner_old) * len(inner_new) <= MOST_CELLS:
        for i, j in _common(inner_old, inner_new):
            kept_old.add(start + i)
            kept_new.add(start + j)
    return kept_old, kept_new


def _common(old: list[str], new: list[str]) -> list[tuple[int, int]]:
    """Index pairs of a longest common subsequence."""
    rows = [[0] * (len(new) + 1)]
    for word in old:
        above, row = rows[-1], [0]
        for j, other in enumerate(new):
            row.append(above[j] + 1 if word == other else max(above[j + 1], row[j]))
        rows.append(row)
    pairs: list[tuple[int, int]] = []
    i, j = len(old), len(new)
    while i and j:
        if old[i - 1] == new[j - 1]:
            pairs.append((i := i - 1, j := j - 1))
        elif rows[i - 1][j] >= rows[i][j - 1]:
            i -= 1
        else:
            j -= 1
    return pairs
