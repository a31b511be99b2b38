"""Figures in a text: numbers in digits or words, with their unit in one spelling.

900 g and 0.9 kg are one figure, and so are two years and 24 months, or 245 seconds and "4 minutes
5 seconds". "one" is a figure only before a unit, since "that one" counts nothing.
"""

from __future__ import annotations

import re

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_VALUES = {word: number for number, word in enumerate(_SMALL.split())} | {
    word: number for number, word in enumerate(_TENS.split(), 2) for number in [number * 10]
}

_UNITS = {  # the unit that others are told in, how many of it, spellings
    "g": [(1, "g grams gram grammes"), (1000, "kg kilograms kilogram kilos kilo")],
    "ml": [(1, "ml millilitres milliliters"), (1000, "l litres litre liters liter")],
    "mm": [(1, "mm millimetres"), (10, "cm centimetres centimetre centimeters"),
           (1000, "m metres metre meters")],
    "s": [(1, "s secs sec seconds second"), (60, "minutes minute mins min"),
          (3600, "hours hour hrs hr h")],
    "days": [(1, "days day"), (7, "weeks week wks")],
    "months": [(1, "months month"), (12, "years year yrs yr")],
    "pounds": [(1, "pounds pound quid gbp")],
    "degrees": [(1, "degrees degree \u00b0c \u00b0 c celsius")],
    "percent": [(1, "percent %")],
    "db": [(1, "db decibels decibel")],
    "bar": [(1, "bar bars")],
    "w": [(1, "w watts watt")],
    "cups": [(1, "cups cup")],
    "people": [(1, "people persons person")],
    "v": [(1, "v volts volt")],
    "miles": [(1, "miles mile")],
}  # fmt: skip
_OF = {
    spelling: (unit, times)
    for unit, groups in _UNITS.items()
    for times, spellings in groups
    for spelling in spellings.split(" ")
}
_WORD = "|".join(sorted(_VALUES, key=len, reverse=True))
_SPELT = re.compile(rf"\b(?:{_WORD}|hundred)(?:(?: and |[ -])(?:{_WORD}|hundred))*\b")
_UNIT = "|".join(sorted(map(re.escape, _OF), key=len, reverse=True))
_FIGURE = re.compile(
    rf"(?<![\w.])(\u00a3 ?)?(\d{{1,9}}(?:\.\d{{1,4}})?)(?:[ -]?({_UNIT})(?![a-z]))?"
)
_PART = re.compile(r"\b[A-Z]{2}-\d{4}\b")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_BEFORE_UNIT = re.compile(rf"[ -](?:{_UNIT})(?![a-z])|(?= and (?:a |an |three )(?:half|quarter))")
_HYPHEN = re.compile(r"(?<=[a-z])-(?=[a-z])")
_PARTS = {"half": 0.5, "quarter": 0.25, "\u00bd": 0.5, "\u00bc": 0.25, "\u00be": 0.75}
_SIGN = re.compile(r"(\d{0,9}) ?([\u00bc-\u00be]) ?")
_PART_OF = re.compile(rf"\b(?:a )?(three )?(half|quarter)s?(?: of)? an? (?=(?:{_UNIT})(?![a-z]))")
_UNIT_AND_PART = re.compile(rf"\b(an?|\d{{1,9}})[ -]({_UNIT}) and a (half|quarter)\b")
_AND_PART = re.compile(rf"\b(\d{{1,9}}) and a (half|quarter)(?= (?:{_UNIT})(?![a-z]))")
_AND_MORE = re.compile(rf"\ban? (?=(?:{_UNIT}) and \d)")
_NOTE = re.compile(r"\b(?:a )?(fiver|tenner)s?\b")
_TWO = re.compile(
    rf"(?<![\w.])(\d{{1,9}})[ -]?({_UNIT})(?: and |, | )(\d{{1,9}})[ -]?({_UNIT})(?![a-z])"
)


class Figures:
    """What a text counts: figures as they are written here, and their bare numbers."""

    def __init__(self) -> None:
        self.whole: set[str] = set()
        self.bare: set[str] = set()

    def add(self, more: Figures) -> None:
        """Count those of another text, too."""
        self.whole |= more.whole
        self.bare |= more.bare

    def with_units(self) -> Figures:
        """Those that count in a unit."""
        found = Figures()
        found.whole = {one for one in self.whole if unit_of(one)}
        return found

    def strange(self, others: Figures) -> str | None:
        """The first of the others that is not among these."""
        known = self.whole | self.bare
        return min(others.whole - known, default=None)


def read_figures(text: str) -> Figures:
    """All figures of a text in small letters."""
    found = Figures()
    for match in _FIGURE.finditer(_in_digits(text)):
        found.whole.add(_told(match))
        found.bare.add(f"{float(match[2]):.10g}")
    return found


def rewritten(text: str) -> str:
    """The text with every figure in one spelling: "0.9 kilos" is "900 g"."""
    return _FIGURE.sub(_told, _in_digits(text))


def placed_figures(text: str) -> list[tuple[int, str]]:
    """Where each figure of a rewritten text stands, and the figure."""
    return [(found.start(), _told(found)) for found in _FIGURE.finditer(text)]


def unit_of(figure: str) -> str:
    """What a rewritten figure counts in; nothing where it has no unit."""
    name = figure.partition(" ")[2]
    return name if name in _UNITS else ""


def _told(match: re.Match[str]) -> str:
    number, unit = float(match[2]), match[3]
    if match[1]:
        return f"{number:.10g} pounds" if not unit else f"{number:.10g} pounds {unit}"
    if not unit:
        return f"{number:.10g}"
    name, times = _OF[unit]
    return f"{round(number * times, 3):.10g} {name}"


def _in_digits(text: str) -> str:
    """Numbers in digits, parts and sums worked out: "an hour and a quarter" is "1.25 hour"."""
    text = _HYPHEN.sub(" ", text.replace("per cent", "percent"))
    text = _SIGN.sub(lambda found: f"{int(found[1] or 0) + _PARTS[found[2]]:g} ", text)
    text = _PART_OF.sub(lambda found: f"{_PARTS[found[2]] * (3 if found[1] else 1):g} ", text)
    text = _NOTE.sub(lambda found: f"{5 if found[1] == 'fiver' else 10} pounds", text)
    text = _THOUSANDS.sub("", _SPELT.sub(_counted, text))
    text = _UNIT_AND_PART.sub(lambda found: f"{_with_part(found[1], found[3])} {found[2]}", text)
    text = _AND_PART.sub(lambda found: _with_part(found[1], found[2]), text)
    return _TWO.sub(_summed, _AND_MORE.sub("1 ", text))


def _with_part(number: str, part: str) -> str:
    return f"{(int(number) if number.isdigit() else 1) + _PARTS[part]:g}"


def _summed(match: re.Match[str]) -> str:
    """Two figures as one where the second goes on in a smaller unit, as in "1 hour 15 minutes"."""
    (name, times), (other, less) = _OF[match[2]], _OF[match[4]]
    if name != other or times <= less:
        return match[0]
    return f"{int(match[1]) * times + int(match[3]) * less:g} {name}"


def _counted(match: re.Match[str]) -> str:
    """A number in words as digits; "one" stays a word where it counts nothing."""
    number = 0
    for word in re.findall(r"[a-z]+", match[0]):
        number = max(number, 1) * 100 if word == "hundred" else number + _VALUES.get(word, 0)
    if number == 1 and not _BEFORE_UNIT.match(match.string, match.end()):
        return match[0]
    return str(number)


def figures_of(text: str) -> list[str]:
    """The figures of a text as it has them, part numbers such as NP-3121 first, each once."""
    names = _PART.findall(text)
    rest = _in_digits(_PART.sub(" ", text).casefold())
    return list(dict.fromkeys([*names, *(found[0] for found in _FIGURE.finditer(rest))]))
