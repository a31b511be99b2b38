"""A clause: a draft of one code with its blanks filled and its choices made.

`drafts.txt` holds the drafts, each of one split; `figures.json` the figures that the house marks
look at, without the mark and with it; `words.json` the parties and how things are put. In the two
JSON files what begins with `*` is held out: dev and test may use it, train never does.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
WORDS: dict[str, list[str]] = json.loads((HERE / "words.json").read_text(encoding="utf-8"))
FIGURES: dict[str, dict[str, list[str]]] = json.loads(
    (HERE / "figures.json").read_text(encoding="utf-8")
)

EXTRAS: dict[str, list[str]] = json.loads((HERE / "extras.json").read_text(encoding="utf-8"))

SHORT = 25  # words: a clause with fewer gets a sentence more, others only now and then

SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    "nineteen",
)
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


class Draft(NamedTuple):
    """A clause with blanks; `side`: any party bears it (B), the paid (P), the payer (C) or both."""

    number: int
    code: str
    split: str
    side: str
    text: str

    @property
    def mutual(self) -> bool:
        """Whether it weighs on both parties."""
        return self.side == "="


class Clause(NamedTuple):
    """A clause, and for whom the firm reads it."""

    text: str
    acts_for: str
    on: str


def read_drafts(path: Path = HERE / "drafts.txt") -> list[Draft]:
    """All drafts in file order."""
    drafts: list[Draft] = []
    code = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if "|" not in line and not line.startswith("#"):
            code = line or code
        elif not line.startswith("#"):
            head, text = line.split(" | ", 1)
            split, side = head.split()
            drafts.append(Draft(len(drafts), code, split, side, text))
    return drafts


class Writer:
    """Words clauses; `held` says whether what is held out may be used."""

    def __init__(self, rng: random.Random, *, held: bool) -> None:
        self.rng = rng
        self.held = held

    def write(self, draft: Draft, side: str, *, marked: bool) -> Clause:
        """A clause that weighs on `side` (us, them, both), with the house mark or without."""
        paid, payer = self._draw(WORDS["roles"]).split()
        bearer = {"P": paid, "C": payer}.get(draft.side) or self.rng.choice((paid, payer))
        other = payer if bearer == paid else paid
        article = self._draw(WORDS["article"])
        blanks = {
            **{
                name: article + role
                for name, role in zip("PCBO", (paid, payer, bearer, other), strict=True)
            },
            "agr": self._draw(WORDS["agreement"]),
            "fees": self._draw(WORDS["fees"]),
            "n": self._figure(draft.code, marked=marked),
            "ok": self._figure(draft.code, marked=False),
        }
        acts_for = other if side == "them" else bearer
        on = "both" if side == "both" else bearer.lower()
        text = self._word(draft.text, blanks, marked=marked)
        if len(text.split()) < SHORT or self.rng.random() < 0.3:
            text = f"{text} {self._draw(EXTRAS[draft.code])}"
        return Clause(self._lead() + text, acts_for.lower(), on)

    def _word(self, text: str, blanks: dict[str, str], *, marked: bool) -> str:
        """The draft with all its choices made."""
        text = re.sub(r"<(.*?)\|\|(.*?)>", lambda made: made[1 + marked], text)
        text = re.sub(r"\[(.*?)\]", lambda made: self.rng.choice(made[1].split("|")), text)
        text = re.sub(r"\{(\w+)\}", lambda blank: blanks[blank[1]], text)
        if self._draw(WORDS["party"]) == "Party":
            text = re.sub(r"\bpart(y|ies)\b(?! rights)(?<!third.party)", r"Part\1", text)
        return re.sub(r"(^|[.] )([a-z])", lambda start: start[1] + start[2].upper(), text)

    def _lead(self) -> str:
        """The number that a clause may have, or nothing."""
        number, place = self.rng.randint(2, 29), self.rng.randint(1, 9)
        letter = "abcdefghi"[place - 1]
        return self._draw(WORDS["lead"]).format(number=number, place=place, letter=letter)

    def _figure(self, code: str, *, marked: bool) -> str:
        """A figure in words or digits, or a place; empty where the code has none."""
        if code not in FIGURES:
            return ""
        figure = self._draw(FIGURES[code]["marked" if marked else "plain"])
        if not figure[0].isdigit():
            return figure
        number, unit = re.fullmatch(r"([\d.]+)(.*)", figure).groups()  # type: ignore[union-attr]
        form = self._draw(WORDS[unit.strip()])
        if "{words}" in form and "." in number:
            form = "{n}%"
        words = in_words(int(number)) if "{words}" in form else ""
        return form.format(n=number, words=words)

    def _draw(self, entries: Sequence[str]) -> str:
        """One entry, held-out ones with a double chance where they are allowed."""
        free = [entry for entry in entries if not entry.startswith("*")]
        held = [entry[1:] for entry in entries if entry.startswith("*")] if self.held else []
        return self.rng.choice(free + held * 2)


def in_words(number: int) -> str:
    """A whole number below 1,000 in English words."""
    if number < 20:
        return SMALL[number]
    if number < 100:
        rest = number % 10
        return TENS[number // 10 - 2] + (f"-{SMALL[rest]}" if rest else "")
    rest = number % 100
    return f"{SMALL[number // 100]} hundred" + (f" and {in_words(rest)}" if rest else "")
