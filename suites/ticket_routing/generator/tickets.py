"""A ticket: a problem that belongs to one queue, in the words of somebody who has other worries.

`problems.txt` holds the problems, each of one split, `words.json` what fills their blanks,
`wrapping.json` what people say around them. Of those two what begins with `*` is held out: dev and
test may use it, train never does.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
WORDS: dict[str, list[str]] = json.loads((HERE / "words.json").read_text(encoding="utf-8"))
WRAPPING: dict[str, list[str]] = json.loads((HERE / "wrapping.json").read_text(encoding="utf-8"))

SLIPS = (
    ("because", "becuase"),
    ("receive", "recieve"),
    ("please", "pls"),
    ("password", "pasword"),
    ("the ", "teh "),
    ("certificate", "certifcate"),
    ("I ", "i "),
)


class Problem(NamedTuple):
    """What a ticket is about, with blanks; `by_rule` where a rule of the house decides."""

    number: int
    queue: str
    by_rule: bool
    text: str

    @property
    def split(self) -> str:
        """The one split that tickets about it are in: of ten problems 4 are train's, 3 dev's."""
        return ("test", "dev", "train")[min(self.number % 10 // 3, 2)]


def read_problems(path: Path = HERE / "problems.txt") -> list[Problem]:
    """All problems in file order."""
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [line.split("|", 2) for line in lines if not line.startswith("#")]
    return [
        Problem(number, queue, decided == "rule", text)
        for number, (queue, decided, text) in enumerate(rows)
    ]


class Writer:
    """Words problems; `held` says whether what is held out may be used."""

    def __init__(self, rng: random.Random, *, held: bool) -> None:
        self.rng = rng
        self.held = held

    def write(self, problem: Problem) -> str:
        """A ticket about the problem."""
        parts = [
            self._pick("open") if self._chance(0.6) else "",
            self._pick("settled") if self._chance(0.2) else "",
            self._pick("about") if self._chance(0.35) else "",
            self._sentence(problem.text),
            self._pick("close") if self._chance(0.4) else "",
        ]
        between = "\n" if self._chance(0.4) else " "
        return self._slip(self._fill(between.join(self._ended(parts))))

    def _ended(self, parts: Sequence[str]) -> Iterator[str]:
        """The parts that are there, each but the last with an end."""
        there = [part for part in parts if part]
        for part in there[:-1]:
            yield part if part[-1] in ".,:?!" else f"{part}."
        yield there[-1]

    def _sentence(self, text: str) -> str:
        """The problem as a sentence, or as it would be jotted down."""
        if self._chance(0.25):
            return text
        end = (
            "?"
            if re.match(r"(how|what|which|where|can|is|are|do|does|may|who|why)\b", text)
            else "."
        )
        return text[0].upper() + text[1:] + end

    def _fill(self, text: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda blank: self._draw(WORDS[blank[1]]), text)

    def _slip(self, text: str) -> str:
        """Now and then a typing mistake, or a whole ticket without capitals."""
        if self._chance(0.15):
            wrong, slip = self.rng.choice(SLIPS)
            text = text.replace(wrong, slip, 1)
        return text.lower() if self._chance(0.1) else text

    def _pick(self, kind: str) -> str:
        return self._draw(WRAPPING[kind])

    def _draw(self, entries: Sequence[str]) -> str:
        """One entry, held-out ones with a double chance where they are allowed."""
        free = [entry for entry in entries if not entry.startswith("*")]
        held = [entry[1:] for entry in entries if entry.startswith("*")] if self.held else []
        return self.rng.choice(free + held * 2)

    def _chance(self, probability: float) -> bool:
        return self.rng.random() < probability
