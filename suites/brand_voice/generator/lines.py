"""Lines of a game and Sedge's way to say them: a matter with its blanks filled.

`matters.txt` holds the matters, each of one split, `words.json` what fills their blanks. There,
what begins with `*` is held out: dev and test may use it, train never does. A word with a bar has
its plain form before it and Sedge's after it.
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
NAMES = re.findall(
    r"\w+",
    """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen""",
)
MEASURES = {
    "price": "shells",
    "fee": "shells",
    "hours": "glasses",
    "days": "tides",
    "level": "seasons",
}
ADDRESS = {"hint": "wader", "shop": "wader", "greeting": "wader"}
CLOSINGS = {
    "hint": "The water remembers {}.",
    "shop": "Shells first, then {}.",
    "warning": "Fear {} and grow old.",
    "greeting": "The lamp is lit.",
    "refusal": "So the tide has it.",
}
CLOSERS = {
    "hint": ("place", "house", "water", "town"),
    "shop": ("goods", "boat"),
    "warning": ("place", "house", "water", "town", "beast", "food", "who"),
}
BLANK = re.compile(r"\{(\w+)\}")


class Matter(NamedTuple):
    """What is to be said, blanks and all.

    What the closing names is one of `closing`, each a blank or a word after `=`; in a rewrite by
    somebody else `accepted` counts as well.
    """

    number: int
    split: str
    kind: str
    closing: tuple[str, ...]
    accepted: tuple[str, ...]
    keys: tuple[str, ...]
    plain: tuple[str, ...]
    voice: tuple[str, ...]


class Line(NamedTuple):
    """A plain line, one good rewrite, and what is expected of all others."""

    plain: str
    answer: str
    expected: dict[str, object]


class Filling(NamedTuple):
    """What a blank holds in the plain line and in Sedge's mouth, and what must be told of it."""

    plain: str
    voice: str
    fact: str = ""
    count: tuple[int, str] | None = None


def read_matters(path: Path = HERE / "matters.txt") -> list[Matter]:
    """All matters in file order. Raises ValueError where wordings differ in their blanks."""
    blocks = re.split(r"\n\n+", path.read_text(encoding="utf-8").strip())[1:]
    return [_matter(number, block.split("\n")) for number, block in enumerate(blocks)]


def _matter(number: int, lines: Sequence[str]) -> Matter:
    split, kind = lines[0].strip("[]").split()
    parts: dict[str, list[str]] = {"close": [], "keys": [], "p": [], "v": []}
    for line in lines[1:]:
        sort, _, rest = line.partition(" ")
        parts[sort].append(rest)
    keys = tuple(key.strip() for row in parts["keys"] for key in row.split(";"))
    named, _, besides = " ".join(parts["close"]).partition(" + ")
    closing, accepted = tuple(named.split()), tuple(besides.split())
    wordings = tuple(parts["p"]), tuple(parts["v"])
    matter = Matter(number, split, kind, closing, accepted, keys, *wordings)
    if len({frozenset(BLANK.findall(one)) for one in matter.plain + matter.voice}) > 1:
        raise ValueError(f"wordings differ in their blanks: {lines}")
    return matter


def say_number(number: int) -> str:
    """A number as Sedge says it: `two score and five`."""
    if number < 20:
        return NAMES[number]
    scores, rest = divmod(number, 20)
    many = "a score" if scores == 1 else f"{NAMES[scores]} score"
    return f"{many} and {NAMES[rest]}" if rest else many


def say_measure(number: int, unit: str) -> str:
    """A number with what it counts: `a score of shells`, `two score shells`."""
    return f"{say_number(number)}{' of' if number == 20 else ''} {unit}"


class Writer:
    """Words matters; `held` says whether what is held out may be used."""

    def __init__(self, rng: random.Random, *, held: bool) -> None:
        self.rng = rng
        self.held = held

    def write(self, matter: Matter) -> Line:
        """The matter with its blanks filled, in one plain wording and one of Sedge's."""
        plain, voice = self.rng.choice(matter.plain), self.rng.choice(matter.voice)
        filled = {name: self._fill(name) for name in sorted(set(BLANK.findall(plain)))}
        first = self._address(voice, ADDRESS.get(matter.kind, "dry-foot"))
        first = BLANK.sub(lambda blank: filled[blank[1]].voice, first)
        named = self.rng.choice(matter.closing) if matter.closing else ""
        last = CLOSINGS[matter.kind].format(_with_article(_named(named, filled, "voice")))
        return Line(
            _sentences(BLANK.sub(lambda blank: filled[blank[1]].plain, plain)),
            _sentences(f"{first} {last}"),
            _expected(matter, filled),
        )

    def _address(self, voice: str, word: str) -> str:
        """The address at one of the places that are marked for it."""
        parts = voice.split("~")
        place = self.rng.randrange(1, len(parts))
        before, after = "".join(parts[:place]), "".join(parts[place:])
        return f"{before}, {word}{'' if after[0] in '.,' else ','}{after}"

    def _fill(self, name: str) -> Filling:
        if name in ("count", "hours", "days"):
            return self._counted(name, int(self._draw("small")))
        if name == "level":
            rank = int(self._draw("rank"))
            return self._measured(name, rank, f"level {rank}")
        if name in ("price", "fee"):
            price = int(self._draw(name))
            return self._measured(name, price, f"{price} {self._draw('coins')}")
        plain, _, voice = self._draw(name).partition("|")
        voice = voice or plain
        fact = voice.partition(" the ")[0] if name == "who" else voice.removeprefix("the ")
        return Filling(plain, voice, fact)

    def _counted(self, name: str, number: int) -> Filling:
        """A small number, now and then in a word in the plain line, too."""
        shown = NAMES[number] if self.rng.random() < 0.3 else str(number)
        if name == "count":
            return Filling(shown, NAMES[number], count=(number, ""))
        return self._measured(name, number, f"{shown} {name}")

    def _measured(self, name: str, number: int, plain: str) -> Filling:
        unit = MEASURES[name]
        return Filling(plain, say_measure(number, unit), count=(number, unit))

    def _draw(self, name: str) -> str:
        """One entry, held-out ones with a double chance where they are allowed."""
        entries = WORDS[name]
        free = [entry for entry in entries if not entry.startswith("*")]
        held = [entry[1:] for entry in entries if entry.startswith("*")] if self.held else []
        return self.rng.choice(free + held * 2)


def _expected(matter: Matter, filled: dict[str, Filling]) -> dict[str, object]:
    facts = [[one.fact] for one in filled.values() if one.fact]
    counts: list[list[object]] = [list(one.count) for one in filled.values() if one.count]
    for key in matter.keys:
        spelled = BLANK.sub(lambda blank: filled[blank[1]].voice, key).split("|")
        if key.startswith("#"):
            place = [count[1] for count in counts].index("")
            counts[place] = [counts[place][0], *(one.lstrip("#") for one in spelled)]
        else:
            facts.append([one.strip() for one in spelled])
    if any(count[1] == "" for count in counts):
        raise ValueError(f"nothing says what {{count}} counts: {matter.plain[0]}")
    blanks = [name for name in filled if name in CLOSERS.get(matter.kind, ())]
    named = dict.fromkeys([*matter.closing, *matter.accepted, *blanks])
    closing = [_named(one, filled, "fact") for one in named]
    return {"kind": matter.kind, "facts": facts, "counts": counts, "closing": closing}


def _named(what: str, filled: dict[str, Filling], form: str) -> str:
    """What the closing names: a word after `=`, or a blank in one of its forms."""
    if what.startswith("=") or not what:
        return what[1:].replace("_", " ")
    return str(getattr(filled[what], form))


def _with_article(name: str) -> str:
    """A closing's noun with its article; names of people and towns have none."""
    return name if not name or name[0].isupper() or name.startswith("the ") else f"the {name}"


def _sentences(text: str) -> str:
    """Capitals at the beginnings of sentences, and `an` where it belongs."""
    text = re.sub(r"\ba(?= (?:[aeio]|eight|eleven))", "an", text)
    return re.sub(r"(^|[.:] )([a-z])", lambda found: found[1] + found[2].upper(), text)
