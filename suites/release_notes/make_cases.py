"""Writes train.jsonl, dev.jsonl and test.jsonl: `python make_cases.py [FOLDER]`.

The same bytes every time, from two sources. `handwritten.jsonl` holds commit lists written one by
one, each with its split, its notes and its bump. The rest are composed by the folder `generator`:
lists of the subjects of one sprint, each sprint of one split, and answered by `generator/house.py`.
A generated list that reads like another of any split is left out.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from generator.commits import Writer, sprints
from generator.house import hardest, release

from evals.suite.made_cases import Made, Row, choose, letter_runs, read_handwritten, write_cases

HERE = Path(__file__).resolve().parent
SEED = 90210
GENERATED = {"test": 160, "dev": 186, "train": 460}  # the sealed split draws first
SPARE = 2  # times as many are written, since some read alike
NEAR = 0.72  # cosine similarity above which two lists read alike
RUN = 50  # letters that a train list may not share with one of dev or test
KEPT_OF_NONE = 0.15  # share of the lists without a note that are kept


def written() -> list[Made]:
    """The hand-written lists, in file order."""
    rows: list[Made] = []
    for split, number, entry in read_handwritten(HERE / "handwritten.jsonl"):
        answer = {"notes": entry["notes"], "bump": entry["bump"]}
        name = f"n-{split}-{number}"
        rows.append((split, _row(name, entry["commits"], answer, "handwritten")))
    return rows


def composed(split: str) -> list[Made]:
    """More lists than are needed, of every sprint in turn."""
    rng = random.Random(f"{SEED}-{split}")  # noqa: S311 - reproducible data, not a secret
    writer = Writer(rng, held=split != "train")
    groups = sprints(split, rng)
    rows: list[Made] = []
    for number in range(SPARE * GENERATED[split]):
        place = number % len(groups)
        commits = writer.write(groups[place])
        notes, bump = release(commits)
        if not notes and rng.random() > KEPT_OF_NONE:
            continue
        answer = {"notes": notes, "bump": bump}
        row = _row(f"n-{split}-g{number:04}", commits, answer, "generated")
        rows.append((split, {**row, "cluster": f"sprint-{split}-{place:02}"}))
    return rows


def _row(name: str, commits: Sequence[str], answer: dict[str, object], source: str) -> Row:
    tags = {"source": source, "rule": hardest(commits), "commits": str(len(commits))}
    return {
        "id": name,
        "input": {"commits": "\n".join(commits)},
        "expected": answer,
        "answer": json.dumps(answer),
        "tags": tags,
    }


def main(folder: Path) -> None:
    """Write the three files into `folder`."""
    rows = written()
    for split in GENERATED:
        rows += composed(split)
    chosen = choose(
        rows,
        {(split, ""): count for split, count in GENERATED.items()},
        kind_of=lambda _: "",
        texts_of=lambda row: [row["input"]["commits"]],
        near=NEAR,
        passages_of=lambda row: letter_runs(row["input"]["commits"], RUN),
    )
    write_cases(folder, chosen)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
