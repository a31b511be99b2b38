"""Homes on file, and the house rules: which blocks a wish gets."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

LETTERS = "ABCDEFGHJKLMNPRSTVWXYZ"


class Home(NamedTuple):
    """A line of the file; `price` in thousands, `status` is "", "under offer" or "sold"."""

    id: str
    area: str
    beds: int
    price: int
    status: str = ""

    @property
    def line(self) -> str:
        """As the file has it."""
        return f"{self.id} {self.area} {self.beds} bed {self.price}k {self.status}".strip()

    @property
    def card(self) -> str:
        """As a card."""
        mark = "!" if self.status == "under offer" else ""
        return f"{{{self.id}{mark}|{self.beds}|{self.area}|{self.price}k}}"


class Search(NamedTuple):
    """What a client wants to buy, as far as it is known; `area` may stay open."""

    beds: int = 0
    budget: int = 0
    area: str = ""

    def fits(self, home: Home) -> bool:
        """Whether a home may be shown."""
        return (
            home.status != "sold"
            and home.beds == self.beds
            and home.price <= self.budget
            and self.area in ("", home.area)
        )


class Blocks(NamedTuple):
    """The blocks of a reply, the kind of sentence that goes with them, and the homes on cards."""

    texts: list[str]
    kind: str
    shown: tuple[Home, ...] = ()


def found(homes: Sequence[Home], search: Search) -> Blocks:
    """The answer to a search: bedrooms are asked for first, then the budget."""
    if not search.beds:
        return Blocks(["~?beds~"], "beds")
    if not search.budget:
        return Blocks(["~?budget~"], "budget")
    return shown([home for home in homes if search.fits(home)])


def cheaper(homes: Sequence[Home], than: Home) -> Blocks:
    """Homes of the same size for less money."""
    return shown([home for home in homes if Search(than.beds, than.price - 1).fits(home)])


def shown(homes: Sequence[Home]) -> Blocks:
    """The two cheapest as cards, or an alert where there is none."""
    fits = tuple(sorted(homes, key=lambda home: home.price)[:2])
    held = "_held" if any(home.status for home in fits) else ""
    if not fits:
        return Blocks(["~alert~"], "none")
    if len(fits) == 1:
        return Blocks(_card(fits[0]), f"match{held}", fits)
    pair = "+".join(home.id for home in fits)
    return Blocks([*(home.card for home in fits), f"~compare:{pair}~"], f"matches{held}", fits)


def about(home: Home, wish: str, day: str = "") -> Blocks:
    """The answer to a wish about one home: `detail`, `book`, `offer` or `fact`."""
    if home.status == "sold":
        return Blocks(["~alert~"], "sold")
    if wish == "fact":
        return Blocks([f"~agent:{home.id}~"], "agent")
    if home.status:
        return Blocks(_card(home), "home_held", (home,))
    if wish == "offer":
        return Blocks([f"~?offer:{home.id}~"], "offer")
    if wish == "book":
        if day:
            return Blocks([f"~view:{home.id}@{day[:3].lower()}~"], "view")
        return Blocks([f"~?day:{home.id}~"], "day")
    return Blocks(_card(home), "home", (home,))


def _card(home: Home) -> list[str]:
    act = "watch" if home.status else "view"
    return [home.card, f"~{act}:{home.id}~"]


def draw_homes(rng: random.Random, areas: Sequence[str], count: int) -> list[Home]:
    """Homes of few sizes and areas, no two with one price."""
    places = rng.sample(areas, min(count, rng.choice((2, 3, 3))))
    low = rng.randint(1, 4)
    middle = 75 * low // 5 * 5 + rng.randrange(120, 300, 10)
    prices = rng.sample(range(middle - 60, middle + 65, 5), count)
    homes: list[Home] = []
    for price in prices:
        beds = low + (rng.random() < 0.4)
        status = rng.choices(("", "under offer", "sold"), (12, 4, 3))[0]
        homes.append(Home(_id(rng, homes), rng.choice(places), beds, price, status))
    return homes


def _id(rng: random.Random, homes: Sequence[Home]) -> str:
    taken = {home.id for home in homes}
    while (name := f"{rng.choice(LETTERS)}{rng.randint(10, 99)}") in taken:
        pass
    return name
