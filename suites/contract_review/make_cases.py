"""Writes train.jsonl, dev.jsonl and test.jsonl: `python make_cases.py [FOLDER]`.

The same bytes every time, from two sources. `handwritten.jsonl` holds clauses written one by one,
each naming its split. The rest are composed by the folder `generator`: each draft in one split
only, with parties, figures and phrasings of which dev and test use some that train never does. A
generated clause that reads like another of any split is left out. What the right line is follows
from who bears the clause and whether it has the mark (`generator/rules.py`), for both sources.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from pathlib import Path

from generator.clauses import Writer, read_drafts
from generator.rules import CODES, line_of, side_of

from evals.suite.duplicates import near_duplicates
from evals.suite.letter_runs import letter_runs

HERE = Path(__file__).resolve().parent
SEED = 5303
PAIRS = {  # of a code and side: clauses with the mark, and as many without; the sealed split first
    "test": {"them": 2, "both": 3, "us": 3},
    "dev": {"them": 2, "both": 3, "us": 3},
    "train": {"them": 5, "both": 7, "us": 8},
}
SPLITS = tuple(PAIRS)
SPARE = 6  # times as many are written, since some read alike
NEAR = 0.9  # cosine similarity above which two clauses read alike
RUN = 50  # letters that a train clause may not share with one of dev or test

Row = dict[str, object]
Kind = tuple[str, bool]  # on us, them or both; whether it is marked


def wanted(split: str) -> dict[Kind, int]:
    """How many clauses of each code: with the mark and without, so that no side gives it away."""
    return {
        (side, marked): count for side, count in PAIRS[split].items() for marked in (False, True)
    }


def read_handwritten() -> list[tuple[str, Row]]:
    """Split and case of each hand-written clause, in file order."""
    lines = (HERE / "handwritten.jsonl").read_text(encoding="utf-8").splitlines()
    rows, counts = [], Counter[str]()
    for entry in map(json.loads, lines):
        split = entry.pop("split")
        counts[split] += 1
        name = f"c-{split}-h{counts[split]:03}"
        rows.append((split, _row(name, "handwritten", **entry)))
    return rows


def write_generated(split: str) -> list[tuple[str, Row]]:
    """More clauses than are needed, of each kind from its drafts in turn."""
    rng = random.Random(f"{SEED}-{split}")  # noqa: S311 - reproducible data, not a secret
    writer = Writer(rng, held=split != "train")
    drafts = [draft for draft in read_drafts() if draft.split == split]
    rows: list[tuple[str, Row]] = []
    for code in CODES:
        for (side, marked), count in wanted(split).items():
            mine = [one for one in drafts if one.code == code and one.mutual == (side == "both")]
            rng.shuffle(mine)
            for number in range(SPARE * count):
                draft = mine[number % len(mine)]
                text, acts_for, on = writer.write(draft, side, marked=marked)
                name = f"c-{split}-g{len(rows):04}"
                row = _row(name, "generated", code, acts_for, on, marked, text)
                rows.append((split, {**row, "cluster": f"draft-{draft.number}"}))
    return rows


def _row(
    name: str, source: str, code: str, acts_for: str, on: str, marked: bool, clause: str
) -> Row:
    line = line_of(code, on, acts_for, marked=marked)
    side = side_of(on, acts_for)
    tags = {"source": source, "weighs_on": side, "mark": "yes" if marked else "no"}
    return {
        "id": name,
        "input": {"acts_for": acts_for, "clause": clause},
        "expected": line,
        "answer": line,
        "tags": tags,
    }


def choose(rows: list[tuple[str, Row]]) -> dict[str, list[Row]]:
    """As many of each split as are wanted, none too near one that came before."""
    texts = [row["input"]["clause"].lower() for _, row in rows]  # type: ignore[index]
    near: dict[int, list[int]] = {}
    for pair in near_duplicates(texts, NEAR):
        near.setdefault(pair.second, []).append(pair.first)
    left = {
        (split, code, *kind): count
        for split in SPLITS
        for code in CODES
        for kind, count in wanted(split).items()
    }
    chosen: dict[str, list[Row]] = {split: [] for split in SPLITS}
    taken: set[int] = set()
    sealed: set[str] = set()
    for place, (split, row) in enumerate(rows):
        kind = (split, *_kind(row))
        generated = "cluster" in row
        if generated and (left[kind] == 0 or taken.intersection(near.get(place, ()))):
            continue
        if split != "train":
            sealed |= letter_runs(texts[place], RUN)
        elif sealed & letter_runs(texts[place], RUN):
            if not generated:
                raise SystemExit(f"{row['id']} shares {RUN} letters with dev or test")
            continue
        taken.add(place)
        left[kind] -= generated
        chosen[split].append(row)
    if any(left.values()):
        missing = {kind: count for kind, count in left.items() if count}
        raise SystemExit(f"too many clauses read alike: {missing} are missing")
    return chosen


def _kind(row: Row) -> tuple[str, str, bool]:
    """Code, side and mark of a case."""
    tags: dict[str, str] = row["tags"]  # type: ignore[assignment]
    return str(row["expected"]).split(" ", 1)[0], tags["weighs_on"], tags["mark"] == "yes"


def main(folder: Path) -> None:
    """Write the three files into `folder`."""
    rows = read_handwritten()
    for split in SPLITS:
        rows += write_generated(split)
    rows.sort(key=lambda entry: SPLITS.index(entry[0]))
    for split, chosen in choose(rows).items():
        lines = [json.dumps(row, ensure_ascii=False) for row in chosen]
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
