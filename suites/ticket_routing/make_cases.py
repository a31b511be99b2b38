"""Writes train.jsonl, dev.jsonl and test.jsonl: `python make_cases.py [FOLDER]`.

The same bytes every time, from two sources. `handwritten.jsonl` holds tickets written one by one,
each naming its split. The rest are composed by the folder `generator`: each problem in the words
of one split only, with names and phrases of which dev and test use some that train never does. A
generated ticket that reads like another of any split is left out.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path

from generator.tickets import Problem, Writer, read_problems

from evals.suite.made_cases import Made, Row, choose, letter_runs, read_handwritten, write_cases

HERE = Path(__file__).resolve().parent
SEED = 7041
OF_A_QUEUE = {"test": 16, "dev": 22, "train": 68}  # the sealed split draws first
SPARE = 3  # times as many are written, since some read alike
NEAR = 0.72  # cosine similarity above which two tickets read alike
RUN = 50  # letters that a train ticket may not share with one of dev or test


def written() -> list[Made]:
    """The hand-written tickets, in file order."""
    rows: list[Made] = []
    for split, number, entry in read_handwritten(HERE / "handwritten.jsonl"):
        tags = {"source": "handwritten", "decided_by": entry["decided_by"]}
        rows.append((split, _row(f"t-{split}-{number}", entry["text"], entry["queue"], tags)))
    return rows


def composed(split: str) -> list[Made]:
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


def main(folder: Path) -> None:
    """Write the three files into `folder`."""
    rows = written()
    for split in OF_A_QUEUE:
        rows += composed(split)
    chosen = choose(
        rows,
        {(split, row["expected"]): OF_A_QUEUE[split] for split, row in rows},
        kind_of=lambda row: row["expected"],
        texts_of=lambda row: [row["input"]["text"]],
        near=NEAR,
        passages_of=lambda row: letter_runs(row["input"]["text"], RUN),
    )
    write_cases(folder, chosen)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
