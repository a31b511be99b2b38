"""Writes train.jsonl, dev.jsonl and test.jsonl: `python make_cases.py [FOLDER]`.

The same bytes every time, from two sources. `handwritten.jsonl` holds clauses written one by one,
each naming its split. The rest are composed by the folder `generator`: each draft in one split
only, with parties, figures and phrasings of which dev and test use some that train never does. A
generated clause that reads like another of any split is left out. What the right line is follows
from who bears the clause and whether it has the mark (`generator/rules.py`), for both sources.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from generator.clauses import Writer, read_drafts
from generator.rules import CODES, line_of, side_of

from evals.suite.made_cases import Made, Row, choose, letter_runs, read_handwritten, write_cases

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

Kind = tuple[str, bool]  # on us, them or both; whether it is marked


def wanted(split: str) -> dict[Kind, int]:
    """How many clauses of each code: with the mark and without, so that no side gives it away."""
    return {
        (side, marked): count for side, count in PAIRS[split].items() for marked in (False, True)
    }


def written() -> list[Made]:
    """The hand-written clauses, in file order."""
    return [
        (split, _row(f"c-{split}-{number}", "handwritten", **entry))
        for split, number, entry in read_handwritten(HERE / "handwritten.jsonl")
    ]


def composed(split: str) -> list[Made]:
    """More clauses than are needed, of each kind from its drafts in turn."""
    rng = random.Random(f"{SEED}-{split}")  # noqa: S311 - reproducible data, not a secret
    writer = Writer(rng, held=split != "train")
    drafts = [draft for draft in read_drafts() if draft.split == split]
    rows: list[Made] = []
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


def _kind(row: Row) -> tuple[str, Kind]:
    """Code, side and mark of a case."""
    code, _, _ = row["expected"].partition(" ")
    return code, (row["tags"]["weighs_on"], row["tags"]["mark"] == "yes")


def main(folder: Path) -> None:
    """Write the three files into `folder`."""
    rows = written()
    for split in SPLITS:
        rows += composed(split)
    rows.sort(key=lambda entry: SPLITS.index(entry[0]))
    chosen = choose(
        rows,
        {
            (split, (code, kind)): count
            for split in SPLITS
            for code in CODES
            for kind, count in wanted(split).items()
        },
        kind_of=_kind,
        texts_of=lambda row: [row["input"]["clause"]],
        near=NEAR,
        passages_of=lambda row: letter_runs(row["input"]["clause"], RUN),
    )
    write_cases(folder, chosen)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
