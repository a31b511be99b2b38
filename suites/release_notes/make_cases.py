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

from evals.suite.duplicates import near_duplicates
from evals.suite.letter_runs import letter_runs

HERE = Path(__file__).resolve().parent
SEED = 90210
GENERATED = {"test": 160, "dev": 186, "train": 460}  # the sealed split draws first
SPARE = 2  # times as many are written, since some read alike
NEAR = 0.72  # cosine similarity above which two lists read alike
RUN = 50  # letters that a train list may not share with one of dev or test
KEPT_OF_NONE = 0.15  # share of the lists without a note that are kept

Row = dict[str, object]


def read_handwritten() -> list[tuple[str, Row]]:
    """Split and case of each hand-written list, in file order."""
    lines = (HERE / "handwritten.jsonl").read_text(encoding="utf-8").splitlines()
    rows, counts = [], dict.fromkeys(GENERATED, 0)
    for row in map(json.loads, lines):
        split = row["split"]
        counts[split] += 1
        name = f"n-{split}-h{counts[split]:03}"
        answer = {"notes": row["notes"], "bump": row["bump"]}
        rows.append((split, _row(name, row["commits"], answer, "handwritten")))
    return rows


def write_generated(split: str) -> list[tuple[str, Row]]:
    """More lists than are needed, of every sprint in turn."""
    rng = random.Random(f"{SEED}-{split}")  # noqa: S311 - reproducible data, not a secret
    writer = Writer(rng, held=split != "train")
    groups = sprints(split, rng)
    rows: list[tuple[str, Row]] = []
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


def choose(rows: list[tuple[str, Row]]) -> dict[str, list[Row]]:
    """As many of each split as are wanted, none too near one that came before."""
    texts = [row["input"]["commits"].lower() for _, row in rows]  # type: ignore[index]
    near: dict[int, list[int]] = {}
    for pair in near_duplicates(texts, NEAR):
        near.setdefault(pair.second, []).append(pair.first)
    left = dict(GENERATED)
    chosen: dict[str, list[Row]] = {split: [] for split in GENERATED}
    taken: set[int] = set()
    sealed: set[str] = set()
    for place, (split, row) in enumerate(rows):
        generated = row["tags"]["source"] == "generated"  # type: ignore[index]
        if generated and (left[split] == 0 or taken.intersection(near.get(place, ()))):
            continue
        if split != "train":
            sealed |= letter_runs(texts[place], RUN)
        elif generated and sealed & letter_runs(texts[place], RUN):
            continue
        taken.add(place)
        left[split] -= generated
        chosen[split].append(row)
    if any(left.values()):
        raise SystemExit(f"too many lists read alike: {left} are missing")
    return chosen


def main(folder: Path) -> None:
    """Write the three files into `folder`."""
    rows = read_handwritten()
    for split in GENERATED:
        rows += write_generated(split)
    for split, chosen in choose(rows).items():
        lines = [json.dumps(row, ensure_ascii=False) for row in chosen]
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
