"""How much room words of a chart take, as far as that can be known before a page is drawn.

Widths are of a broad common typeface, so that what fits here fits in most others.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from math import ceil

NARROWEST = 280.0
"""Pixels of a chart on a page of 320."""
_THIN, _BROAD = frozenset("ijl.,:;|!'()[] "), frozenset("mwMW@%+−=")


def text_width(text: str, size: float = 13.0) -> float:
    """About how many pixels a text takes at a font size."""
    return sum(map(_share, text)) * size


def _share(letter: str) -> float:
    """A letter's width as a part of the font size."""
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.05
    if letter in _THIN:
        return 0.4
    return 0.85 if letter in _BROAD or letter.isupper() else 0.62


def wrapped(text: str, room: float, most: int = 3) -> tuple[str, ...]:
    """The text in at most so many lines that are no wider than `room` pixels, cut with an ellipsis.

    What has no space to break at is broken anywhere.
    """
    lines = [""]
    for word in _pieces(text, room):
        joined = f"{lines[-1]} {word}".strip()
        if text_width(joined) <= room or not lines[-1]:
            lines[-1] = joined
        else:
            lines.append(word)
    if len(lines) > most:
        lines = [*lines[: most - 1], f"{lines[most - 1]}…"]
    return tuple(lines)


def _pieces(text: str, room: float) -> list[str]:
    """Words, those that are wider than the room in parts."""
    found = []
    for word in text.split():
        whole = max(1, ceil(text_width(word) / room))
        size = max(1, len(word) // whole)
        parts = [word[at : at + size] for at in range(0, len(word), size)] if whole > 1 else [word]
        found += parts
    return found


def every(labels: Sequence[str], room: float, size: float = 12.0) -> int:
    """Every how manieth of evenly spaced labels fits beside the next one, over `room` pixels.

    The outermost are turned inwards, so that half of one more label must fit.
    """
    if len(labels) < 2:
        return 1
    step = room / (len(labels) - 1)
    return max(1, ceil((1.5 * max(text_width(label, size) for label in labels) + 4) / step))
