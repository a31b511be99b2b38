"""Conversations up to the message that is judged, and one good reply to it.

The words are in `scenarios.txt`, `presses.txt`, `replies.txt` (what a rule decides), `talk.txt`
(what none does), `asides.txt` (what was said before) and `wrapping.json`; each line of a `.txt` is
of one split. What begins with `*` in the `.json` files is held out: train never has it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from generator.catalogue import Fact, Product, named

HERE = Path(__file__).resolve().parent
WRAPPING: dict[str, list[str]] = json.loads((HERE / "wrapping.json").read_text(encoding="utf-8"))
TAGS = {
    "safety": "#handover:safety",
    "refund": "#handover:refunds",
    "warranty": "#handover:warranty",
    "order": "#handover:orders",
    "person": "#handover:person",
}

CURIOUS = (" Just curious.", " Asking for my mum.", " It's for a present.")
"""What is added to a question about a fact, and to no trouble of the customer's own."""
FIRST = (
    "Thanks", "Oh no", "Ouch", "Drat", "Bother", "What a", "Well, that's", "Not what", "Hm,",
    "Got it",
)  # fmt: skip
"""How replies begin that answer news, and no one who presses on."""

Turn = tuple[str, str]
"""What the customer said, and what Pip answered."""


class Talk(NamedTuple):
    """A conversation: the turns before, the message that is answered, a good answer."""

    earlier: list[Turn]
    message: str
    answer: str


class Scenario(NamedTuple):
    """What a customer comes with; `number` is its line."""

    number: int
    split: str
    kind: str
    about: str
    text: str


def read_lines(name: str) -> list[list[str]]:
    """The fields of each line that is no comment."""
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [line.split("|") for line in lines if line and not line.startswith("#")]


def read_scenarios() -> list[Scenario]:
    """All matters that a rule decides, in file order."""
    return [Scenario(number, *line) for number, line in enumerate(read_lines("scenarios.txt"))]


def signed(text: str, kind: str = "") -> str:
    """A reply with Pip's name, and with the tag where its rule asks for one."""
    return " ".join(filter(None, [text, "- Pip", TAGS.get(kind)]))


class Composer:
    """Writes the conversations of one split, about products of that split."""

    def __init__(self, rng: random.Random, split: str, products: Sequence[Product]) -> None:
        self.rng = rng
        self.split = split
        self.products = products
        self.replies = self._by_kind("replies.txt")
        self.presses = self._by_kind("presses.txt")
        self.asides = self._by_kind("asides.txt")
        self.talk = [line[1:] for line in read_lines("talk.txt") if line[0] == split]

    def _by_kind(self, name: str) -> dict[str, list[list[str]]]:
        found: dict[str, list[list[str]]] = {}
        for split, kind, *rest in read_lines(name):
            if split == self.split:
                found.setdefault(kind, []).append(rest)
        return found

    def about_fact(self, product: Product, fact: Fact, turn: int) -> Talk:
        """Ends with a question about a product; the earlier turns may be about it, too."""
        others = [one for one in product.facts if one is not fact]
        told = self.rng.sample(others, self.rng.randint(0, turn - 1))
        earlier = self._around(self._told(told), turn - 1)
        asked = fact.asked_of_it if told and self._chance(0.8) else fact.asked
        answer = self._draw(fact.replies)
        if answer.endswith(".") and self._chance(0.3):
            answer = f"{answer} {self._draw(WRAPPING['tails'])}"
        message = self._wrapped(self._draw(asked), named=not told, again=turn > 1)
        return Talk(earlier, message, signed(answer))

    def about_rule(self, scenario: Scenario, turn: int) -> Talk:
        """Ends with a matter that a rule decides, or with a customer who presses on about it."""
        product = self._product_of(scenario)
        first = named(scenario.text, product.name)
        kind = scenario.kind
        answers = [signed(one[0], kind) for one in self.rng.sample(self.replies[kind], 2)]
        if turn > 1 and self._chance(0.5):
            press = self.rng.choice(self.presses[kind])[0]
            if answers[1].startswith(FIRST):
                answers.reverse()
            earlier = [*self._before(product, turn - 2), (first, answers[0])]
            return Talk(earlier, press, answers[1])
        earlier = self._before(product, turn - 1)
        return Talk(earlier, self._wrapped(first, again=turn > 1, trouble=True), answers[1])

    def about_nothing(self, line: Sequence[str], turn: int) -> Talk:
        """Ends with small talk, which may well follow on a matter of some rule."""
        _, message, answer = line
        if turn == 1:
            return Talk([], message, signed(answer))
        if self._chance(0.5):
            mine = [one for one in read_scenarios() if one.split == self.split]
            scenario = self.rng.choice([one for one in mine if one.kind != "safety"])
            earlier, last, reply = self.about_rule(scenario, turn - 1)
            return Talk([*earlier, (last, reply)], message, signed(answer))
        product = self.rng.choice(self.products)
        return Talk(self._before(product, turn - 1, told=1), message, signed(answer))

    def _product_of(self, scenario: Scenario) -> Product:
        fitting = [one for one in self.products if one.category == scenario.about]
        return self.rng.choice(fitting if scenario.about else self.products)

    def _before(self, product: Product, count: int, *, told: int = 0) -> list[Turn]:
        """Earlier turns: perhaps a question about the product, else whatever people say."""
        told = min(count, told or self.rng.randint(0, 1))
        facts = self.rng.sample(product.facts, told)
        return self._around(self._told(facts), count)

    def _told(self, facts: Sequence[Fact]) -> list[Turn]:
        turns = []
        for number, fact in enumerate(facts):
            asked = fact.asked_of_it if number else fact.asked
            turns.append((self._draw(asked), signed(self._draw(fact.replies))))
        return turns

    def _around(self, told: list[Turn], count: int) -> list[Turn]:
        """So many turns: asides, perhaps a greeting first, and the told ones in their order."""
        missing = count - len(told)
        asides = [signed_turn(one) for one in self.rng.sample(self.asides["any"], missing)]
        if asides and self._chance(0.4):
            asides[0] = signed_turn(self.rng.choice(self.asides["first"]))
            return [asides[0], *self._shuffled(asides[1:], told)]
        return self._shuffled(asides, told)

    def _shuffled(self, asides: list[Turn], told: list[Turn]) -> list[Turn]:
        """Asides before and after what was told, which stays together."""
        cut = self.rng.randint(0, len(asides))
        return [*asides[:cut], *told, *asides[cut:]]

    def _wrapped(
        self, text: str, *, named: bool = True, again: bool = True, trouble: bool = False
    ) -> str:
        """Now and then with words around it, as people write."""
        if named and self._chance(0.25):
            before = self._draw(WRAPPING["before"])
            if before != "Me again. " or again:
                low = text[:2] not in ("I ", "I'") and before.rstrip()[-1] not in ".!"
                text = before + (
                    text[0].lower() + text[1:] if low and text[1:2].islower() else text
                )
        if text[-1] in "?." and self._chance(0.15):
            after = self._draw(WRAPPING["after"])
            text += "" if trouble and after in CURIOUS else after
        return text

    def _draw(self, entries: Sequence[str]) -> str:
        """One entry; held-out ones with a double chance in dev and test, never in train."""
        free = [entry for entry in entries if not entry.startswith("*")]
        held = [entry[1:] for entry in entries if entry.startswith("*")]
        return self.rng.choice(free + held * 2 if self.split != "train" else free)

    def _chance(self, probability: float) -> bool:
        return self.rng.random() < probability


def signed_turn(line: Sequence[str]) -> Turn:
    """A turn of `asides.txt` with Pip's name."""
    said, answered = line
    return said, signed(answered)
