"""Conversations: a scenario is one wording of a client's last message, in the words of one split.

`scenarios.txt` holds what clients say, `sentences.json` what the assistant says before its blocks,
`words.json` areas and ways to point at a home. Of the last two what begins with `*` is held out:
dev and test use it, train never does.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from generator.homes import Blocks, Home, Search, about, cheaper, draw_homes, found

HERE = Path(__file__).resolve().parent
WORDS: dict[str, list[str]] = json.loads((HERE / "words.json").read_text(encoding="utf-8"))
SENTENCES: dict[str, list[str]] = json.loads((HERE / "sentences.json").read_text(encoding="utf-8"))
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# After these "it" reads badly: "at it", "show us it".
_NO_IT = re.compile(r"\b(at|in|to|into|near|round|with|over|on|us|me|up) \$ref")
COUNTS = ("", "one", "two", "three", "four", "five")
WISHES = {"detail": "detail", "book": "book", "book_day": "book", "offer": "offer", "fact": "fact"}
TOPICS = {
    "open": "search", "beds_only": "search", "full": "search", "answer_budget": "search",
    "answer_beds": "search", "change_area": "refine", "change_budget": "refine",
    "change_beds": "refine", "cheaper": "refine", "detail": "detail", "book": "viewing",
    "book_day": "viewing", "day_answer": "viewing", "offer": "offer", "fact": "fact", "bye": "bye",
}  # fmt: skip


class Scenario(NamedTuple):
    """A wording, with blanks, of what a client may want."""

    number: int
    intent: str
    split: str
    text: str


class Unfit(Exception):  # noqa: N818 - no error: draw again
    """The homes that were drawn do not serve the scenario."""


def read_scenarios(path: Path = HERE / "scenarios.txt") -> list[Scenario]:
    """All scenarios in file order; of ten of an intent 3 are test's, 3 dev's, 4 train's."""
    scenarios: list[Scenario] = []
    intent, place = "", 0
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            intent, place = line.strip("[]"), 0
        elif line and not line.startswith("#"):
            split = ("test", "dev", "train")[min(place % 10 // 3, 2)]
            scenarios.append(Scenario(len(scenarios), intent, split, line))
            place += 1
    return scenarios


class Talk:
    """A conversation that is being written; `messages` end with the client's last one."""

    def __init__(self, rng: random.Random, pool: Sequence[Scenario]) -> None:
        self.rng = rng
        self.pool = pool
        self.held = pool[0].split != "train"
        self.areas = draw_pool(WORDS["areas"], self.held)
        self.homes = draw_homes(rng, self.areas, rng.choice((3, 3, 4)))
        self.search = Search()
        self.shown: tuple[Home, ...] = ()
        self.messages: list[dict[str, str]] = []
        self.weekday = ""

    def finish(self, scenario: Scenario) -> tuple[Blocks, str]:
        """Write the history that the scenario needs and its message; the blocks and a reply."""
        self.prepare(scenario.intent)
        blocks = self.client(scenario)
        return blocks, self.reply_to(blocks)

    # -- what came before

    def prepare(self, intent: str) -> None:
        """Turns that lead up to the intent."""
        if intent in ("open", "beds_only", "full"):
            return
        if intent == "answer_budget":
            if self._chance(0.3):
                self._turn("open")
                self._turn("answer_beds")
            else:
                self._turn("beds_only")
            self._need(self._last().endswith("~?budget~"))
        elif intent == "answer_beds":
            self._turn("open")
        elif intent.startswith("change"):
            self._searched()
        elif intent == "cheaper":
            self._turn("detail")
            self._need(len(self.shown) == 1)
        elif intent == "day_answer":
            if self._chance(0.4):
                self._turn("detail")
            self._turn("book")
            self._need("~?day:" in self._last())
        elif intent == "bye":
            self._some(0.0)
        else:
            self._some(0.4)

    def _some(self, none: float) -> None:
        """No history, or homes on cards, or a search that has begun."""
        if self._chance(none):
            return
        draw = self.rng.random()
        if draw < 0.15:
            self._turn("beds_only")
        elif draw < 0.35:
            self._turn("detail")
        elif draw < 0.5:
            self._turn("detail")
            self._need(bool(self.shown))
            self._turn("fact")
        else:
            self._searched()
            self._need(bool(self.shown))

    def _searched(self) -> None:
        """A finished search, in one step or two."""
        if self._chance(0.45):
            self._turn("full")
        else:
            self._turn("beds_only")
            self._turn("answer_budget")

    def _turn(self, intent: str) -> None:
        """A message of the client and the right reply to it."""
        texts = {one["content"] for one in self.messages}
        mine = [one for one in self.pool if one.intent == intent and one.text not in texts]
        blocks = self.client(self.rng.choice(mine))
        self.shown = blocks.shown or self.shown
        self.messages.append({"role": "assistant", "content": self.reply_to(blocks)})

    def _last(self) -> str:
        return self.messages[-1]["content"] if self.messages else ""

    # -- what the client says

    def client(self, scenario: Scenario) -> Blocks:
        """The scenario's message, its blanks filled, and the blocks that it deserves."""
        intent, text = scenario.intent, scenario.text
        fill: dict[str, str] = {}
        if intent in WISHES:
            blocks = self._of_home(intent, text, fill)
        elif intent == "day_answer":
            fill["day"] = self.rng.choice(DAYS)
            home = next(one for one in self.homes if f"~?day:{one.id}~" in self._last())
            blocks = about(home, "book", fill["day"])
        elif intent == "bye":
            blocks = Blocks(["~bye~"], "bye")
        elif intent == "cheaper":
            blocks = cheaper(self.homes, self.shown[0])
        else:
            blocks = self._of_search(intent, text, fill)
        self._need(sum(bool(home.status) for home in blocks.shown) < 2)
        self._need(blocks.kind != "none" or self._chance(0.4))
        self._need(not (intent.startswith("change") and blocks.shown == self.shown != ()))
        asked_which = self._last().endswith("~?which~")
        self._need(not (asked_which and blocks.kind == "which"))
        message = re.sub(r"\$(\w+)", lambda blank: fill[blank[1]], text)
        message = self._roughen(message[0].upper() + message[1:])
        if self.messages and intent in WISHES and not asked_which and self._chance(0.2):
            message = f"{self._pick('aside')} {message}"
        self.messages.append({"role": "user", "content": message})
        self.weekday = fill.get("day", "")
        return blocks

    def _of_home(self, intent: str, text: str, fill: dict[str, str]) -> Blocks:
        fill["ref"], meant = self._point()
        if fill["ref"] == "it" and _NO_IT.search(text):
            fill["ref"] = "that one"
        self._need(not (fill["ref"].startswith("your") and "your" in text))
        fill["day"] = self.rng.choice(DAYS) if "$day" in text else ""
        fill["budget"] = self._money(meant[0].price - self.rng.choice((10, 15, 20, 25)))
        if len(meant) > 1:
            return Blocks(["~?which~"], "which")
        return about(meant[0], WISHES[intent], fill["day"])

    def _point(self) -> tuple[str, list[Home]]:
        """Words that point at a home, and the homes they may mean."""
        ways = ["id", "area"] if not self.shown else ["id", "area", "place", "place", "place"]
        way = self.rng.choice(ways)
        if way == "place" and len(self.shown) == 1:
            return self._pick("only"), list(self.shown)
        if way == "place":
            kind = self.rng.choice(("first", "first", "second", "second", "unclear"))
            meant = {"first": [self.shown[0]], "second": [self.shown[1]]}
            return self._pick(kind), meant.get(kind, list(self.shown))
        home = self.rng.choice(self.homes)
        if way == "id":
            return home.id, [home]
        among = [one for one in self.homes if one.area == home.area]
        sold = any(one.status == "sold" for one in among)
        self._need(len(among) == 1 or not (self.shown or sold))
        return self._pick("there").replace("$area", home.area), among

    def _of_search(self, intent: str, text: str, fill: dict[str, str]) -> Blocks:
        """Blanks of a search; what was said before stays unless it is said anew."""
        old = self.search
        model = self.rng.choice(self.homes)
        beds, budget, area = old
        if "$bed" in text or "$rooms" in text:
            others = [one.beds for one in self.homes if one.beds != old.beds]
            spare = 2 if model.beds == 1 else model.beds - 1
            beds = self.rng.choice(others or [spare])
        if "$budget" in text:
            budget = model.price + self.rng.choice((-15, 5, 10, 15, 30, 45))
            budget = budget // 10 * 10
            self._need(all(home.price != budget for home in self.homes))
        if intent == "change_budget":
            lower = "only" in text or "had better" in text
            self._need(budget < old.budget if lower else budget > old.budget)
        if "$area" in text:
            area = model.area if self._chance(0.8) else self.rng.choice(self.areas)
        self.search = Search(beds, budget, area)
        self._need(self.search != old or intent == "open")
        fill["bed"], fill["rooms"] = self._beds(beds)
        fill["budget"], fill["area"] = self._money(budget), area
        return found(self.homes, self.search)

    def _beds(self, beds: int) -> tuple[str, str]:
        count = self.rng.choice((str(beds), COUNTS[beds]))
        ending = self.rng.choice(("-bed", "-bedroom", " bed"))
        return f"{count}{ending}", f"{count} bedroom{'s' * (beds > 1)}"

    def _money(self, thousands: int) -> str:
        return self.rng.choice((f"{thousands}k", f"{thousands}k", f"{thousands},000"))

    def _roughen(self, text: str) -> str:
        """Now and then without capitals and the last full stop."""
        return text.lower().rstrip(".") if self._chance(0.12) else text

    # -- what the assistant says

    def reply_to(self, blocks: Blocks) -> str:
        """A sentence that goes with the blocks, and the blocks."""
        named = [home for home in self.homes if home.id in " ".join(blocks.texts)]
        home = named if len(named) == 1 else []
        free = draw_pool(SENTENCES[blocks.kind], self.held, mixed=False)
        if not home:
            free = [one for one in free if "$area" not in one]
        sentence = self.rng.choice(free).replace("$weekday", self.weekday)
        if home:
            sentence = sentence.replace("$area", home[0].area)
        return f"{sentence} {' '.join(blocks.texts)}"

    def _pick(self, kind: str) -> str:
        return self.rng.choice(draw_pool(WORDS[kind], self.held))

    def _chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def _need(self, fit: bool) -> None:
        if not fit:
            raise Unfit


def draw_pool(entries: Sequence[str], held: bool, *, mixed: bool = True) -> list[str]:
    """What a split may use: held-out entries twice where they are allowed, or they alone."""
    free = [entry for entry in entries if not entry.startswith("*")]
    if not held:
        return free
    kept = [entry[1:] for entry in entries if entry.startswith("*")]
    return free + kept * 2 if mixed else kept
