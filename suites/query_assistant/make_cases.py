"""Writes train.jsonl, dev.jsonl and test.jsonl: `python make_cases.py [FOLDER]`.

The same bytes every time, from two sources. `handwritten.jsonl` holds questions written one by
one, each naming its split. The rest are composed by the folder `generator`: an intent (what to
calculate, filter, break down, rank, when) is drawn first and then worded; dev and test may use
phrases, values and a third condition that train never does. Near-duplicates are refused within
a split and, more strictly, across splits.
"""

from __future__ import annotations

import json
import random
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from ebb.parser import parse
from ebb.tree import format_query
from generator.questions import FRAMES, roughen
from generator.wording import Wording

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

    record: dict[str, object]
    grams: frozenset[str]


def read_handwritten(path: Path) -> dict[str, list[Entry]]:
    """The hand-written cases by split, in file order."""
    entries: dict[str, list[Entry]] = {split: [] for split in SPLITS}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        split, text = row["split"], row["text"]
        if format_query(parse(row["expected"])) != row["expected"]:
            raise ValueError(f"{path.name}: {text!r}: write {format_query(parse(row['expected']))}")
        record = {
            "id": f"q-{split}-h{len(entries[split]) + 1:03}",
            "input": {"text": text},
            "expected": row["expected"],
            "tags": {"source": "handwritten"},
        }
        entries[split].append(Entry(record, grams(text)))
    return entries


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
        record: dict[str, object] = {
            "id": f"q-{split}-{made:04}",
            "input": {"text": text},
            "expected": intent.query(),
            "tags": {"source": "generated"},
        }
        entries[split].append(Entry(record, found))


def main(folder: Path) -> None:
    """Write the three files into `folder`."""
    entries = read_handwritten(HERE / "handwritten.jsonl")
    for split in SPLITS:
        generate(split, entries)
    for split, listed in entries.items():
        lines = [json.dumps(entry.record, ensure_ascii=False) for entry in listed]
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
