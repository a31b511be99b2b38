"""Writes train.jsonl, dev.jsonl and test.jsonl: `python make_cases.py [FOLDER]`.

The same bytes every time, from two sources. `handwritten.jsonl` holds questions written one by
one, each naming its split. The rest are composed by the folder `generator`: an intent (what to
calculate, filter, break down, rank, when) is drawn first and then worded; dev and test may use
phrases, values and a third condition that train never does. A composed question that is near
another is left out, across splits already at less; one written by hand for train that is near one
of dev or test is refused. The tags are read off the expected query (README.md).
"""

from __future__ import annotations

import random
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from ebb.parser import parse
from ebb.tree import AllOf, AnyOf, Condition, Query, Rank, format_query
from generator.questions import FRAMES, roughen
from generator.wording import Wording

from evals.suite.made_cases import Row, read_handwritten, write_cases

HERE = Path(__file__).resolve().parent
SEED = 20250
GENERATED = {"train": 1460, "dev": 210, "test": 140}
SPLITS = ("test", "dev", "train")  # the sealed split draws first, train must keep its distance
NEAR_WITHIN = 0.80  # Jaccard similarity of character 4-grams
NEAR_ACROSS = 0.62


def normalise(text: str) -> str:
    """Lower case, letters, digits and the marks that carry meaning; single spaces."""
    return " ".join(re.findall(r"[a-z0-9/.<>=!-]+", text.lower()))


def grams(text: str) -> frozenset[str]:
    """Character 4-grams of the normalised text."""
    padded = f" {normalise(text)} "
    return frozenset(padded[i : i + 4] for i in range(max(1, len(padded) - 3)))


def similarity(one: frozenset[str], two: frozenset[str]) -> float:
    """Jaccard similarity of two sets of grams."""
    return len(one & two) / len(one | two)


@dataclass(frozen=True)
class Entry:
    """A finished case and its grams."""

    row: Row
    grams: frozenset[str]


def shape_of(query: Query) -> str:
    """What kind of result is asked for: the first that fits."""
    if not query.calcs:
        return "rows"
    if query.rank != Rank():
        return "ranking"
    if query.per:
        return "breakdown"
    return "several" if len(query.calcs) > 1 else "number"


def count_conditions(condition: Condition | None) -> int:
    """How many conditions on columns a filter joins."""
    if isinstance(condition, AllOf | AnyOf):
        return sum(map(count_conditions, condition.parts))
    return int(condition is not None)


def make_entry(name: str, text: str, expected: str, source: str) -> Entry:
    """The case with the tags that its query gives it."""
    query = parse(expected)
    conditions = count_conditions(query.condition)
    tags = {
        "source": source,
        "shape": shape_of(query),
        "conditions": str(conditions) if conditions < 3 else "3+",
    }
    row = {"id": name, "input": {"text": text}, "expected": expected, "tags": tags}
    return Entry(row, grams(text))


def written(path: Path) -> dict[str, list[Entry]]:
    """The hand-written cases by split, in file order."""
    entries: dict[str, list[Entry]] = {split: [] for split in SPLITS}
    for split, number, row in read_handwritten(path):
        text, expected = row["text"], row["expected"]
        canonical = format_query(parse(expected))
        if canonical != expected:
            raise SystemExit(f"{path.name}: {text!r}: write {canonical}")
        name = f"q-{split}-{number}"
        entries[split].append(make_entry(name, text, expected, "handwritten"))
    refuse_near_train(entries)
    return entries


def refuse_near_train(entries: dict[str, list[Entry]]) -> None:
    """`SystemExit` for a train case that is near one of a split that judges."""
    for mine in entries["train"]:
        for other in [*entries["dev"], *entries["test"]]:
            if similarity(mine.grams, other.grams) >= NEAR_ACROSS:
                one, two = mine.row, other.row
                raise SystemExit(
                    f"{one['id']} ({one['input']['text']!r}) is too near to "
                    f"{two['id']} ({two['input']['text']!r}): reword it"
                )


def too_near(found: frozenset[str], split: str, entries: dict[str, list[Entry]]) -> bool:
    """Whether a question stands too near an accepted one, of its own split or another."""
    return any(
        similarity(found, entry.grams) >= (NEAR_WITHIN if other == split else NEAR_ACROSS)
        for other, listed in entries.items()
        for entry in listed
    )


def generate(split: str, entries: dict[str, list[Entry]]) -> None:
    """Add the generated cases of one split to `entries`."""
    rng = random.Random(f"{SEED}-{split}")  # noqa: S311 - reproducible data, not a secret
    say = Wording(rng, held=split != "train")
    made = 0
    while made < GENERATED[split]:
        text, intent = rng.choice(FRAMES)(say)
        text = roughen(say, text)
        found = grams(text)
        if len(text) < 12 or too_near(found, split, entries):
            continue
        made += 1
        name = f"q-{split}-{made:04}"
        entries[split].append(make_entry(name, text, intent.query(), "generated"))


def main(folder: Path) -> None:
    """Write the three files into `folder`."""
    entries = written(HERE / "handwritten.jsonl")
    for split in SPLITS:
        generate(split, entries)
    write_cases(folder, {split: [entry.row for entry in entries[split]] for split in SPLITS})


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
