"""Whether a text ends by repeating itself: the mark of a small model that does not stop."""

from __future__ import annotations

from typing import NamedTuple

READ = 400
"""Characters of the end that are looked at; a loop of a longer piece is not seen."""
REPEATS = 3
"""How often a piece must stand in a row, the last time perhaps cut off."""
SHORTEST = 30
"""Characters of the whole loop: short repetition is language ("bye bye bye")."""


class Loop(NamedTuple):
    """A piece of `period` characters that fills the last `length` ones."""

    piece: str
    length: int


def find_loop(text: str) -> Loop | None:
    """The shortest piece that the text's end repeats at least `REPEATS` times; None without.

    A piece without any letter or digit is a ruler or a frame, and no loop.
    """
    end = text.rstrip()[-READ:]
    # Whatever is repeated, the last third of the shortest loop stands before, too.
    if len(end) < SHORTEST or end.find(end[-SHORTEST // 3 :]) == len(end) - SHORTEST // 3:
        return None
    backwards = end[::-1]
    best: Loop | None = None
    for length, period in enumerate(_periods(backwards), 1):
        long_enough = length >= SHORTEST and length >= REPEATS * period
        if long_enough and (best is None or length > best.length):
            best = Loop(end[-period:], length)
    return best if best and any(map(str.isalnum, best.piece)) else None


def _periods(text: str) -> list[int]:
    """The period of every beginning of `text`: by the prefix function of Knuth, Morris, Pratt."""
    borders = [0] * len(text)
    for place in range(1, len(text)):
        border = borders[place - 1]
        while border and text[place] != text[border]:
            border = borders[border - 1]
        borders[place] = border + (text[place] == text[border])
    return [length - border for length, border in enumerate(borders, 1)]
