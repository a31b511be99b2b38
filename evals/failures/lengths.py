"""Whether an answer is far longer or shorter than what is expected: bounds of two kinds.

An answer must be out of bounds against its own case and against all cases of the run: where
some expected answers are long, a long one is no failure of length.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

FACTOR = 3.0
"""An answer is far longer (shorter) than its expected one from three times (a third) on."""
BEYOND = 1.5
"""And so much longer (shorter) than the longest (shortest) answer that any case expects."""
LEAST = 20
"""And by so many characters: "yes" and "yes, it is" are both short."""


_DENSE = re.compile(r"[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff]")


def length_of(text: str) -> int:
    """Characters without outer white space; a Han, kana or Hangul sign says as much as three."""
    inner = text.strip()
    return len(inner) + 2 * len(_DENSE.findall(inner))


@dataclass(frozen=True, slots=True)
class LengthBounds:
    """Characters of the shortest and longest answer that the cases of a run expect."""

    shortest: int
    longest: int

    @classmethod
    def of(cls, wanted: Iterable[str]) -> LengthBounds:
        """Those of these expected answers."""
        lengths = [length_of(text) for text in wanted]
        return cls(min(lengths, default=0), max(lengths, default=0))

    def judge(self, answer: str, wanted: str) -> Literal["empty", "longer", "shorter", ""]:
        """What is wrong with the answer's length; empty where it is within bounds."""
        got, own = length_of(answer), length_of(wanted)
        if got == 0:
            return "empty" if own else ""
        if got > max(FACTOR * own, BEYOND * self.longest) and got - own >= LEAST:
            return "longer"
        if got < min(own / FACTOR, self.shortest / BEYOND) and own - got >= LEAST:
            return "shorter"
        return ""
