"""Tarn & Fell's invented catalogue: products with facts that nobody outside can know.

Each fact has a sentence in its product's document, wordings of the question, and the spellings in
which an answer is right. Values are drawn once, by a fixed seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

SEED = 1907

NAMES = {
    "tent": "Alder Brockdale Caw Dunmail Esk Fairfield Grisedale Harter Ivelet Kentmere Lorton "
    "Matterdale",
    "stove": "Kindle Lingmoor Mardale Newlands Orgap Pavey Quern Rigg Swirral Thunacar Ulpha",
    "rucksack": "Rossett Seathwaite Tarnside Ullscarf Vickers Wetherlam Yoke Zedale Brant Carron "
    "Dollywaggon",
    "sleeping bag": "Arnison Bowfell Coledale Dove Ennerdale Froswick Glaramara Lonscale Mosedale "
    "Nethermost Overwater",
    "headlamp": "Hindscarth Illgill Jackdaw Knott Loadpot Mosswick Nab Orthwaite Pike Randerside "
    "Stybarrow",
    "boot": "Oxendale Placefell Raise Scandale Thornthwaite Uldale Wansfell Yewbarrow Catbells "
    "Branstree Tarndale",
}


Draw = Callable[[random.Random], tuple[str, ...]]
"""Draws a value: its spellings, the one of the document first."""


@dataclass(frozen=True)
class Fact:
    """One thing that is true of a product. The first of `spellings` is how the document has it."""

    product: str
    kind: str
    sentence: str
    questions: tuple[str, ...]
    spellings: tuple[str, ...]


@dataclass(frozen=True)
class Product:
    """A product with its facts; `name` is what a customer calls it."""

    name: str
    category: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Pattern:
    """How a fact of some kind is drawn, told and asked. `{p}` is the product, `{v}` the value."""

    kind: str
    draw: Draw
    sentence: str
    questions: tuple[str, ...]


def _measure(
    low: int, high: int, unit: str, *more: str, tenths: bool = False, step: int = 1
) -> Draw:
    """A number with its unit, also written without the space and with the unit's other names."""

    def draw(rng: random.Random) -> tuple[str, ...]:
        number = rng.randrange(low, high + 1, step)
        said = f"{number / 10:.1f}" if tenths else str(number)
        return (f"{said} {unit}", f"{said}{unit}", *(f"{said} {name}" for name in more))

    return draw


def _price(low: int, high: int) -> Draw:
    def draw(rng: random.Random) -> tuple[str, ...]:
        pounds = rng.randrange(low, high + 1)
        return (f"{pounds} pounds", f"\u00a3{pounds}", f"{pounds} GBP")

    return draw


def _of(*choices: str | tuple[str, ...]) -> Draw:
    """One of some words, each perhaps with other spellings."""

    def draw(rng: random.Random) -> tuple[str, ...]:
        chosen = rng.choice(choices)
        return (chosen,) if isinstance(chosen, str) else chosen

    return draw


def _part(prefix: str) -> Draw:
    def draw(rng: random.Random) -> tuple[str, ...]:
        return (f"{prefix}-{rng.randrange(1000, 10000)}",)

    return draw


def _common(article: str, low: int, high: int) -> list[Pattern]:
    """What is told of every product."""
    return [
        Pattern(
            "warranty",
            _of(
                ("3 years", "three years", "3-year"),
                ("5 years", "five years", "5-year"),
                ("7 years", "seven years", "7-year"),
                ("10 years", "ten years", "10-year"),
                ("18 months", "eighteen months", "18-month"),
            ),
            "The {p} is guaranteed for {v}.",
            (
                "How long is the guarantee on the {p}?",
                "what guarantee do I get with the {p}",
                "For how long are repairs of a {p} covered?",
            ),
        ),
        Pattern(
            "price",
            _price(low, high),
            "It costs {v} in our shops.",
            (
                "What does the {p} cost?",
                "price of the {p}?",
                "How much do I have to pay for a {p} in the shop?",
            ),
        ),
        Pattern(
            "made in",
            _of("Portugal", "Vietnam", "Slovenia", "Tunisia", "Latvia", "Nepal", "Romania"),
            f"Every {{p}} is made in {{v}}{article}.",
            (
                "Where is the {p} made?",
                "country of origin of the {p}",
                "In which country do you produce the {p}?",
            ),
        ),
    ]


PATTERNS: dict[str, list[Pattern]] = {
    "tent": [
        *_common(", in a workshop that we visit twice a year", 240, 690),
        Pattern(
            "weight",
            _measure(14, 48, "kg", "kilograms", tenths=True),
            "Packed with its pegs it weighs {v}.",
            (
                "How heavy is the {p} tent?",
                "weight of the {p}, pegs included?",
                "What will I carry if I pack the {p}?",
            ),
        ),
        Pattern(
            "sheet",
            _measure(2000, 6000, "mm", "millimetres", step=250),
            "The flysheet bears a water column of {v}.",
            (
                "What water column does the flysheet of the {p} have?",
                "how waterproof is the fly of the {p}",
                "Up to which column of water is the {p} tight?",
            ),
        ),
        Pattern(
            "poles",
            _of(
                "bamboo composite", "7075 aluminium", "carbon fibre", "fibreglass", "scandium alloy"
            ),
            "Its poles are of {v}.",
            (
                "What are the poles of the {p} made of?",
                "pole material of the {p}?",
                "Which material holds the {p} up?",
            ),
        ),
        Pattern(
            "wind",
            _measure(55, 120, "km/h", "kilometres an hour", "kph", step=5),
            "With all guy lines set it stood in winds of {v}.",
            (
                "What wind can the {p} stand?",
                "how stormy may it be for the {p}",
                "Up to which wind speed was the {p} tested?",
            ),
        ),
        Pattern(
            "spare",
            _part("TP"),
            "A spare pole is ordered under {v}.",
            (
                "Which order number has a spare pole for the {p}?",
                "part no. of the {p}'s pole",
                "I broke a pole of my {p}, what do I order?",
            ),
        ),
    ],
    "stove": [
        *_common(" and tested flame by flame", 38, 190),
        Pattern(
            "boil",
            _measure(120, 420, "seconds", "s", "sec", step=5),
            "It boils a litre of water in {v} at sea level.",
            (
                "How long does the {p} take to boil a litre?",
                "boiling time of the {p}",
                "When is a litre of tea water ready on the {p}?",
            ),
        ),
        Pattern(
            "fuel",
            _of(
                "propane",
                "white spirit",
                "denatured alcohol",
                "isobutane",
                "paraffin",
                "wood pellets",
            ),
            "It burns {v} and nothing else.",
            (
                "What fuel does the {p} need?",
                "which fuel for the {p}",
                "What do I have to burn in a {p}?",
            ),
        ),
        Pattern(
            "output",
            _measure(1200, 3600, "W", "watts", step=100),
            "Its burner gives {v}.",
            (
                "What is the output of the {p}'s burner?",
                "how strong is the {p} burner",
                "How much power does the {p} have?",
            ),
        ),
        Pattern(
            "gasket",
            _part("SG"),
            "The gasket is sold as {v} and should be changed every second year.",
            (
                "What is the number of the gasket for the {p}?",
                "gasket for {p}, order no?",
                "My {p} leaks, which seal do I buy?",
            ),
        ),
        Pattern(
            "pot",
            _measure(11, 24, "cm", "centimetres"),
            "Pots of up to {v} across stand safely on it.",
            (
                "How wide may a pot on the {p} be?",
                "largest pot for the {p}",
                "What pot diameter does the {p} bear?",
            ),
        ),
    ],
    "rucksack": [
        *_common(" from sailcloth left over by a yard", 70, 280),
        Pattern(
            "volume",
            _measure(18, 85, "litres", "l", "liters"),
            "It holds {v}.",
            (
                "What is the volume of the {p}?",
                "how much fits into the {p}",
                "How many litres does the {p} have?",
            ),
        ),
        Pattern(
            "load",
            _measure(8, 30, "kg", "kilograms", "kilos"),
            "The frame is made for loads of up to {v}.",
            (
                "What load can the {p} take?",
                "max load of the {p} rucksack",
                "How heavy may I pack the {p}?",
            ),
        ),
        Pattern(
            "back",
            _measure(40, 58, "cm", "centimetres"),
            "It fits backs from {v}.",
            (
                "From which back length does the {p} fit?",
                "shortest back for the {p}",
                "How long must my back be for the {p}?",
            ),
        ),
        Pattern(
            "cover",
            _of("moss green", "signal orange", "slate", "mustard", "ice blue", "rust"),
            "Its rain cover is {v}.",
            (
                "What colour is the rain cover of the {p}?",
                "colour of the {p}'s cover",
                "Which colour do I look for if I lost the cover of my {p}?",
            ),
        ),
        Pattern(
            "buckle",
            _part("RB"),
            "The hip buckle is replaced by {v}.",
            (
                "Which part replaces the hip buckle of the {p}?",
                "hip buckle {p} number",
                "The buckle of my {p} snapped. What do I need?",
            ),
        ),
    ],
    "sleeping bag": [
        *_common(", filled by hand", 110, 520),
        Pattern(
            "comfort",
            _measure(2, 19, "degrees below zero", "below zero"),
            "Its comfort limit is {v}.",
            (
                "What is the comfort limit of the {p}?",
                "how cold can it be in the {p}",
                "Down to which temperature is the {p} comfortable?",
            ),
        ),
        Pattern(
            "fill",
            _of(
                "eider down",
                "kapok",
                "hollow polyester",
                "grey duck down",
                "wool",
                "recycled goose down",
            ),
            "It is filled with {v}.",
            (
                "What is the {p} filled with?",
                "filling of the {p} bag",
                "What keeps me warm in a {p}?",
            ),
        ),
        Pattern(
            "wash",
            _measure(20, 60, "degrees", "\u00b0C", "\u00b0", step=5),
            "Wash it at {v} and not warmer.",
            (
                "At what temperature may the {p} be washed?",
                "washing a {p}, how warm?",
                "My {p} is dirty. How hot may the water be?",
            ),
        ),
        Pattern(
            "length",
            _measure(188, 230, "cm", "centimetres", step=2),
            "It is made for people up to {v} tall.",
            (
                "Up to what height does the {p} fit?",
                "max body length {p}",
                "How tall may I be for the {p}?",
            ),
        ),
        Pattern(
            "zip",
            _part("SZ"),
            "The slider of the zip has the number {v}.",
            (
                "What is the number of the {p}'s zip slider?",
                "slider for the zip of a {p}",
                "The zip of my {p} is broken, which slider fits?",
            ),
        ),
    ],
    "headlamp": [
        *_common(" with lenses from Jena", 22, 140),
        Pattern(
            "light",
            _measure(150, 1200, "lumens", "lm", step=10),
            "At its brightest it gives {v}.",
            (
                "How bright is the {p}?",
                "lumens of the {p}",
                "What is the most light I get from a {p}?",
            ),
        ),
        Pattern(
            "hours",
            _measure(4, 95, "hours", "h"),
            "On the lowest step it burns for {v}.",
            (
                "How long does the {p} burn on the lowest step?",
                "burning time {p}, low",
                "For how many hours will a {p} last if I save light?",
            ),
        ),
        Pattern(
            "cell",
            _of("CR123A", "18650", "AAA", "21700", "14500", "AA"),
            "It takes cells of the size {v}.",
            (
                "Which cells does the {p} take?",
                "battery size for {p}",
                "What batteries do I buy for my {p}?",
            ),
        ),
        Pattern(
            "depth",
            _measure(1, 30, "metres", "m", "meters"),
            "It is tight down to {v} of water.",
            (
                "How deep may the {p} go under water?",
                "is the {p} waterproof, how deep?",
                "At what depth does the {p} begin to leak?",
            ),
        ),
        Pattern(
            "strap",
            _part("HS"),
            "A new strap comes as {v}.",
            (
                "What is the order number of a strap for the {p}?",
                "strap {p} part number",
                "The strap of my {p} is worn. What do I order?",
            ),
        ),
    ],
    "boot": [
        *_common(" on our own lasts", 130, 340),
        Pattern(
            "leather",
            _of(
                "yak leather",
                "nubuck",
                "kangaroo leather",
                "waxed calf",
                "buffalo leather",
                "hemp canvas",
            ),
            "Its upper is {v}.",
            (
                "What is the upper of the {p} made of?",
                "upper material {p} boot",
                "Which leather or cloth is the {p} cut from?",
            ),
        ),
        Pattern(
            "sole",
            _of("Carnmoor", "Vibrex", "Ledge", "Tremolat", "Grippard"),
            "The sole is a {v}.",
            (
                "Which sole does the {p} have?",
                "sole of the {p}?",
                "What is under the {p}, by name?",
            ),
        ),
        Pattern(
            "resole",
            _measure(1, 6, "times"),
            "It can be resoled {v}.",
            (
                "How often can the {p} be resoled?",
                "resoling a {p}, how many times",
                "After how many new soles is a {p} done?",
            ),
        ),
        Pattern(
            "weight",
            _measure(480, 1150, "g", "grams", step=10),
            "One in size 42 weighs {v}.",
            (
                "What does a single {p} weigh in size 42?",
                "weight of one {p}, 42",
                "How heavy is a {p} on my foot (I have 42)?",
            ),
        ),
        Pattern(
            "laces",
            _measure(120, 220, "cm", "centimetres", step=10),
            "Its laces are {v} long.",
            (
                "How long are the laces of the {p}?",
                "lace length {p}",
                "I need new laces for my {p}. What length?",
            ),
        ),
    ],
}


def catalogue() -> list[Product]:
    """Every product with its facts, always the same."""
    rng = random.Random(SEED)  # noqa: S311 - reproducible data, not a secret
    products = []
    for category, names in NAMES.items():
        for name in names.split():
            facts = tuple(_fact(name, pattern, rng) for pattern in PATTERNS[category])
            products.append(Product(name, category, facts))
    return products


def _fact(name: str, pattern: Pattern, rng: random.Random) -> Fact:
    spellings = pattern.draw(rng)
    return Fact(
        name,
        pattern.kind,
        pattern.sentence.format(p=name, v=spellings[0]),
        tuple(question.format(p=name) for question in pattern.questions),
        spellings,
    )
