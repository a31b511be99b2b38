"""What a question is made of: phrase tables, a drawer of phrases, conditions and intents.

`phrases.json` holds alternatives joined by `|`. One that starts with `*` is held out: dev and
test may use it, train never does.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

PHRASES = json.loads(Path(__file__).with_name("phrases.json").read_text(encoding="utf-8"))
VALUES: dict[str, str] = PHRASES["values"]
SCHEMA = [
    *("service", "endpoint", "method", "status", "duration_ms", "db_ms", "bytes_out"),
    *("error", "region", "pod", "version", "user_id", "plan", "cache_hit"),
]


@dataclass(frozen=True)
class Filter:
    """One condition with its wording. A property needs a noun to hang on, a place does not."""

    text: str
    words: str
    place: bool = True
    adjective: str = ""

    @property
    def column(self) -> str:
        """The column it is about."""
        return re.match(r"[+-]?([a-z_]+)", self.text)[1]  # type: ignore[index]


@dataclass
class Intent:
    """What is asked, before it is worded."""

    measures: list[str]
    filters: list[Filter] = field(default_factory=list)
    per: list[str] = field(default_factory=list)
    rank: str = ""
    window: str = "1h"
    rows: list[str] = field(default_factory=list)

    def query(self) -> str:
        """The canonical Ebb text: conditions and groups in schema order, time last."""
        calcs = list(dict.fromkeys(m.removesuffix("+error") for m in self.measures))
        stages = ["rows " + ", ".join(self.rows)] if self.rows else [", ".join(calcs)]
        conditions = {item.text for item in self.filters}
        if any(m.endswith("+error") for m in self.measures):
            conditions.add("+error")
        if conditions:
            order = {text: Filter(text, "").column for text in conditions}
            ordered = sorted(conditions, key=lambda text: (SCHEMA.index(order[text]), text))
            stages.append("if " + " and ".join(ordered))
        if self.per:
            ranked = sorted(self.per, key=lambda g: SCHEMA.index(g) if g in SCHEMA else -1)
            stages.append("per " + ", ".join(ranked))
        if self.rank:
            stages.append(self.rank)
        return " | ".join([*stages, f"@{self.window}"])


class Wording:
    """Draws values and phrases; `held` says whether the starred ones may be used."""

    def __init__(self, rng: random.Random, held: bool) -> None:
        self.rng = rng
        self.held = held

    def pick(self, pool: str | Sequence[str]) -> str:
        """One entry of a pool, starred ones with a double chance where they are allowed."""
        entries = pool.split("|") if isinstance(pool, str) else pool
        open_entries = [entry for entry in entries if not entry.startswith("*")]
        starred = [entry[1:] for entry in entries if entry.startswith("*")] if self.held else []
        return self.rng.choice(open_entries + starred * 2)

    def some(self, pool: Sequence[str], count: int) -> list[str]:
        """Different entries, sorted as a canonical list is."""
        chosen: set[str] = set()
        while len(chosen) < count:
            chosen.add(self.pick(pool))
        return sorted(chosen)

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.rng.random() < probability
