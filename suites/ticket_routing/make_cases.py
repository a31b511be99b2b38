"""Writes train.jsonl, dev.jsonl and test.jsonl: `python make_cases.py [FOLDER]`.

The same bytes every time, from two sources. `handwritten.jsonl` holds tickets written one by one,
each naming its split. The rest are composed by the folder `generator`: each problem in the words
of one split only, with names and phrases of which dev and test use some that train never does. A
generated ticket that reads like another of any split is left out.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path

from generator.tickets import Problem, Writer, read_problems

from evals.suite.duplicates import near_duplicates
from evals.suite.letter_runs import letter_runs

HERE = Path(__file__).resolve().parent
SEED = 7041
OF_A_QUEUE = {"test": 16, "dev": 22, "train": 68}  # the sealed split draws first
SPARE = 3  # times as many are written, since some read alike
NEAR = 0.72  # cosine similarity above which two tickets read alike
RUN = 50  # letters that a train ticket may not share with one of dev or test

Row = dict[str, object]


def read_handwritten() -> list[tuple[str, Row]]:
    """Split and case of each hand-written ticket, in file order."""
    lines = (HERE / "handwritten.jsonl").read_text(encoding="utf-8").splitlines()
    rows, counts = [], dict.fromkeys(OF_A_QUEUE, 0)
    for row in map(json.loads, lines):
        split = row["split"]
        counts[split] += 1
        tags = {"source": "handwritten", "decided_by": row["decided_by"]}
        name = f"t-{split}-h{counts[split]:03}"
        rows.append((split, _row(name, row["text"], row["queue"], tags)))
    return rows


def write_generated(split: str) -> list[tuple[str, Row]]:
    """More tickets than are needed: of every queue in turn, of its problems in turn."""
    rng = random.Random(f"{SEED}-{split}")  # noqa: S311 - reproducible data, not a secret
    writer = Writer(rng, held=split != "train")
    queues = [in_turn(mine, rng) for mine in by_queue(split)]
    rows = []
    for number in range(SPARE * OF_A_QUEUE[split] * len(queues)):
        problem = next(queues[number % len(queues)])
        tags = {"source": "generated", "decided_by": "rule" if problem.by_rule else "topic"}
        row = _row(f"t-{split}-g{number:04}", writer.write(problem), problem.queue, tags)
        rows.append((split, {**row, "cluster": f"problem-{problem.number}"}))
    return rows


def by_queue(split: str) -> list[list[Problem]]:
    """The problems of a split, apart for each queue."""
    problems = [one for one in read_problems() if one.split == split]
    queues = sorted({one.queue for one in problems})
    return [[one for one in problems if one.queue == queue] for queue in queues]


def in_turn(problems: list[Problem], rng: random.Random) -> Iterator[Problem]:
    """All problems again and again, those that a rule decides twice as often."""
    while True:
        around = [one for one in problems for _ in range(1 + one.by_rule)]
        rng.shuffle(around)
        yield from around


def _row(name: str, text: str, queue: str, tags: dict[str, str]) -> Row:
    return {"id": name, "input": {"text": text}, "expected": queue, "tags": tags}


def choose(rows: list[tuple[str, Row]]) -> dict[str, list[Row]]:
    """As many of each split as are wanted, none too near one that came before."""
    texts = [row["input"]["text"].lower() for _, row in rows]  # type: ignore[index]
    near: dict[int, list[int]] = {}
    for pair in near_duplicates(texts, NEAR):
        near.setdefault(pair.second, []).append(pair.first)
    left = {(split, row["expected"]): OF_A_QUEUE[split] for split, row in rows}
    chosen: dict[str, list[Row]] = {split: [] for split in OF_A_QUEUE}
    taken: set[int] = set()
    sealed: set[str] = set()
    for place, (split, row) in enumerate(rows):
        generated = "-g" in str(row["id"])
        kind = split, row["expected"]
        if generated and (left[kind] == 0 or taken.intersection(near.get(place, ()))):
            continue
        if split != "train":
            sealed |= letter_runs(texts[place], RUN)
        elif generated and sealed & letter_runs(texts[place], RUN):
            continue
        taken.add(place)
        left[kind] -= generated
        chosen[split].append(row)
    if any(left.values()):
        raise SystemExit(f"too many tickets read alike: {left} are missing")
    return chosen


def main(folder: Path) -> None:
    """Write the three files into `folder`."""
    rows = read_handwritten()
    for split in OF_A_QUEUE:
        rows += write_generated(split)
    for split, chosen in choose(rows).items():
        lines = [json.dumps(row, ensure_ascii=False) for row in chosen]
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
