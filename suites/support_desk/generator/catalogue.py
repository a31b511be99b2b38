"""Nettlepot's invented catalogue: products with facts that nobody outside can know.

Each kind of fact (`patterns.json`) has a sentence for the product's page, wordings of the question
with the product's name and without it, and replies. Values are drawn once, by a fixed seed. What
begins with `*` is held out: dev and test use it, train never does.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
SEED = 4406

NAMES = {
    "kettle": "Betony Bracken Bryony Burdock Campion Charlock Chervil Clover Comfrey Cowslip "
    "Damson Fennel Foxglove",
    "grinder": "Gorse Groundsel Hawkbit Heather Henbane Hogweed Honesty Hornbeam Juniper Knapweed "
    "Larch Lovage Madder",
    "brewer": "Mallow Marjoram Medlar Melilot Moschatel Mugwort Mullein Orache Orpine Oxlip "
    "Pignut Pimpernel Privet",
    "espresso machine": "Quince Ragwort Ramsons Rowan Sainfoin Samphire Sanicle Saxifrage Scabious "
    "Sedge Selfheal Sorrel Speedwell",
    "milk frother": "Spindle Spurrey Squill Stitchwort Sundew Tansy Teasel Thrift Toadflax "
    "Tormentil Trefoil Tutsan Valerian",
    "cold brewer": "Vervain Vetch Weld Willowherb Woodruff Woundwort Yarrow Bilberry Brooklime "
    "Bugloss Loosestrife Pennywort Celandine",
}

FOOT = (
    "That's all we have on the {p} for now, and no more fits on this page. Can't find what you "
    "want, or do you need a part that isn't listed here? Is there anything else you'd like to "
    "know about it? Then just ask in the chat: it's me and my colleagues, and we'll look it up "
    "for you."
)


@dataclass(frozen=True)
class Fact:
    """One thing that is true of a product; the first of `spellings` is how its page has it."""

    kind: str
    sentence: str
    spellings: tuple[str, ...]
    others: tuple[str, ...]
    asked: tuple[str, ...]
    asked_of_it: tuple[str, ...]
    replies: tuple[str, ...]


@dataclass(frozen=True)
class Product:
    """A product with its facts; `name` is what a customer calls it."""

    name: str
    category: str
    facts: tuple[Fact, ...]

    @property
    def page_id(self) -> str:
        """The id of its document."""
        return f"product-{self.name.lower()}"

    @property
    def page(self) -> str:
        """Its document: what it is, then its facts in an order of its own."""
        rng = random.Random(f"{SEED}-{self.name}")  # noqa: S311 - reproducible data, not a secret
        sentences = [fact.sentence for fact in self.facts]
        rng.shuffle(sentences)
        first = f"The {self.name} is one of our {self.category}s."
        body = "\n\n".join([" ".join([first, *sentences]), FOOT.format(p=self.name)])
        return f"# {self.name}\n\n{body}\n"


def catalogue() -> list[Product]:
    """All products with their facts, always the same."""
    rng = random.Random(SEED)  # noqa: S311 - reproducible data, not a secret
    found = json.loads((HERE / "patterns.json").read_text(encoding="utf-8"))
    products = []
    for category, names in NAMES.items():
        for name in names.split():
            patterns = [*found["every"], *found[category]]
            facts = tuple(_fact(name, pattern, rng) for pattern in patterns)
            products.append(Product(name, category, facts))
    return products


def named(text: str, name: str) -> str:
    """The text with the product's name; "an" before a vowel, and before Honesty."""
    if name[0] in "AEIOU" or name == "Honesty":
        text = text.replace(" a {p}", " an {p}")
    return text.replace("{p}", name)


def _fact(name: str, pattern: dict[str, object], rng: random.Random) -> Fact:
    spellings, others = _draw(pattern["value"], rng)  # type: ignore[arg-type]

    def filled(key: str) -> tuple[str, ...]:
        texts = pattern[key]
        assert isinstance(texts, list)
        return tuple(named(one, name).replace("{v}", spellings[0]) for one in texts)

    sentence = named(str(pattern["page"]), name).replace("{v}", spellings[0])
    return Fact(
        str(pattern["kind"]), sentence, spellings, others,
        filled("asked"), filled("asked_of_it"), filled("replies"),
    )  # fmt: skip


def _draw(value: dict[str, object], rng: random.Random) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The spellings of a value, and the values that it could have been instead."""
    match value:
        case {"from": int(low), "to": int(high), "step": int(step), "unit": str(unit)}:
            number = rng.randrange(low, high + 1, step) / int(str(value.get("over", 1)))
            bare = (f"{number:g}",) if unit in ("clicks", "cups") else ()
            return (f"{number:g} {unit}", *bare), ()
        case {"part": str(prefix)}:
            return (f"{prefix}-{rng.randrange(1000, 10000)}",), ()
        case {"of": list(choices)}:
            chosen = rng.choice(choices)
            return tuple(chosen), tuple(
                one for other in choices for one in other if other != chosen
            )
    raise ValueError(f"no such value: {value}")
