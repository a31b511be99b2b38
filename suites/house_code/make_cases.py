"""Writes train.jsonl, dev.jsonl and test.jsonl: `python make_cases.py [FOLDER]`.

The same bytes every time, from two sources. `handwritten.jsonl` holds edits written one by one,
each naming its split. The rest are made by the folder `generator`: each function in one split
only, in requests of which dev and test use some that train never does. A generated case that
reads like another is left out, and so is one of train that shares 50 letters with dev or test.
"""

from __future__ import annotations

import random
import re
import sys
from collections import Counter
from pathlib import Path

from generator.edits import HELD_PAIRS, KINDS, Maker
from generator.functions import parse, read_bodies, shape

from evals.suite.made_cases import Row, letter_runs, read_handwritten, write_cases

HERE = Path(__file__).resolve().parent
SEED = 9120
OF_A_KIND = {"test": 12, "dev": 13, "train": 30}  # the sealed split draws first
TRIES = 60  # rounds over all kinds before too few is a fault
NEAR = 0.82  # Jaccard similarity of 4-grams above which two cases of a function read alike
RUN = 44  # letters that a train case may not share with one of dev or test: the lint allows 49
LONGEST = 82  # words and signs of code, about 90 tokens of a small model


def written() -> dict[str, list[Row]]:
    """The hand-written cases by split, in file order."""
    rows: dict[str, list[Row]] = {split: [] for split in OF_A_KIND}
    for split, number, entry in read_handwritten(HERE / "handwritten.jsonl"):
        texts = entry["request"], entry["code"], entry["expected"]
        built = shape(parse(entry["code"]))
        rows[split].append(_row(f"c-{split}-{number}", texts, entry["edit"], built, "handwritten"))
    return rows


def _row(name: str, texts: tuple[str, str, str], kind: str, built: str, source: str) -> Row:
    request, before, after = texts
    pair = "new" if built == "while" or (kind, built) in HELD_PAIRS else "seen"
    tags = {"source": source, "edit": kind, "pair": pair}
    return {
        "id": name,
        "input": {"request": request, "code": before},
        "expected": after,
        "tags": tags,
    }


def generate(split: str, rows: dict[str, list[Row]]) -> list[Row]:
    """The generated cases of a split: of every kind in turn, from the body used least so far."""
    rng = random.Random(f"{SEED}-{split}")  # noqa: S311 - reproducible data, not a secret
    maker = Maker(rng, held=split != "train")
    bodies = [body for body in read_bodies() if body.split == split]
    sealed = set().union(
        *(runs_of(row) for other in rows if other != "train" for row in rows[other])
    )
    used: Counter[object] = Counter()
    left = dict.fromkeys(KINDS, OF_A_KIND[split])
    made: list[Row] = []
    near: dict[int, list[set[str]]] = {}
    answers: set[str] = set()
    for kind in list(KINDS) * (TRIES * OF_A_KIND[split]):
        if not left[kind]:
            continue
        place = min(
            range(len(bodies)),
            key=lambda at: (used[kind, at], used[at] + 2 * rng.random()),
        )
        used[kind, place] += 1
        edit = maker.make(kind, bodies[place])
        if (
            edit is None
            or edit.after in answers
            or max(size(edit.before), size(edit.after)) > LONGEST
        ):
            continue
        name = f"c-{split}-g{len(made) + 1:03}"
        texts = maker.word(edit), edit.before, edit.after
        row = _row(name, texts, kind, shape(bodies[place].function), "generated")
        grams, others = grams_of(row), near.setdefault(place, [])
        if any(len(grams & other) >= NEAR * len(grams | other) for other in others):
            continue
        if split == "train" and sealed & runs_of(row):
            continue
        used[place] += 1
        left[kind] -= 1
        others.append(grams)
        answers.add(edit.after)
        made.append({**row, "cluster": f"function-{parse(bodies[place].code).name}"})
    if any(left.values()):
        raise SystemExit(f"too few cases of {split}: {left} are missing")
    return made


def size(code: str) -> int:
    """How many words and signs a text has."""
    return len(re.findall(r"[A-Za-z]+|\S", code))


def grams_of(row: Row) -> set[str]:
    """All runs of four characters of an input."""
    text = text_of(row)
    return {text[at : at + 4] for at in range(len(text) - 3)}


def text_of(row: Row) -> str:
    return "\n".join(row["input"].values()).lower()


def runs_of(row: Row) -> set[str]:
    """All runs of so many letters of a case, figures and blanks left out.

    Of its answer and of its input, which the lint reads with the code first, too.
    """
    asked = row["input"]
    texts = text_of(row), f"{asked['code']}\n{asked['request']}", str(row["expected"])
    return set().union(*(letter_runs(re.sub(r"\d", "", text), RUN) for text in texts))


def main(folder: Path) -> None:
    """Write the three files into `folder`."""
    rows = written()
    for split in OF_A_KIND:
        rows[split] += generate(split, rows)
    write_cases(folder, rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
