"""Writes the splits and the texts that `style@1` is fitted on: `python make_cases.py [FOLDER]`.

The same bytes every time, from two sources. `handwritten.jsonl` holds lines and rewrites written
one by one, each naming its split. The rest are composed by the folder `generator`: each matter in
one split only, with names and numbers of which dev and test use some that train never does. A
generated line is left out where it or its rewrite reads like another, and a train line where it
shares a run of letters with dev or test. `style_like.jsonl` and `style_unlike.jsonl` are made of
train alone.
"""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from generator.lines import Line, Matter, Writer, read_matters
from scorers import shared_run, words_of

from evals.suite.made_cases import Made, Row, choose, letter_runs, read_handwritten, write_cases

HERE = Path(__file__).resolve().parent
SEED = 4129
KINDS = ("hint", "shop", "warning", "greeting", "refusal")
OF_A_KIND = {"test": 36, "dev": 37, "train": 92}  # the sealed split draws first
SPARE = 3  # times as many are written, since some read alike
NEAR = 0.80  # cosine similarity above which two lines read alike
RUN = 50  # letters that a train line or rewrite may not share with one of dev or test
OTHER_VOICES = (
    "Hail and well met, brave adventurer! {}",
    "Greetings, noble hero. {} May fortune smile upon thee.",
    "Arr, listen up, matey. {}",
    "Hey there! {} Good luck out there!",
    "Hear me, O champion of the realm: {} Go forth with honour.",
    "Hello and welcome! {} Thank you for playing.",
    "Psst. {} You did not hear it from me.",
    "By the gods! {} Make haste, good sir.",
)


def written() -> list[Made]:
    """The hand-written lines, in file order."""
    rows: list[Made] = []
    for split, number, entry in read_handwritten(HERE / "handwritten.jsonl"):
        facts = [fact.split("|") for fact in entry["facts"] if not fact[0].isdigit()]
        counted = [_count(fact) for fact in entry["facts"] if fact[0].isdigit()]
        closing = entry["close"].split("|") if entry["close"] else []
        expected = {"kind": entry["kind"], "facts": facts, "counts": counted, "closing": closing}
        line = Line(entry["line"], entry["answer"], expected)
        rows.append((split, _row(f"v-{split}-{number}", line, "handwritten")))
    return rows


def _count(fact: str) -> list[object]:
    """`3 eels|fish` as the number and the spellings of what it counts."""
    number, _, units = fact.partition(" ")
    return [int(number), *units.split("|")]


def composed(split: str) -> list[Made]:
    """More lines than are needed: of every kind in turn, of its matters in turn."""
    rng = random.Random(f"{SEED}-{split}")  # noqa: S311 - reproducible data, not a secret
    writer = Writer(rng, held=split != "train")
    matters = [one for one in read_matters() if one.split == split]
    kinds = [in_turn([one for one in matters if one.kind == kind], rng) for kind in KINDS]
    rows = []
    for number in range(SPARE * OF_A_KIND[split] * len(kinds)):
        matter = next(kinds[number % len(kinds)])
        line = writer.write(matter)
        if shared_run(words_of(line.plain), words_of(line.answer)):
            continue  # long names side by side: a rewrite that copies too much
        row = _row(f"v-{split}-g{number:04}", line, "generated")
        rows.append((split, {**row, "cluster": f"matter-{matter.number}"}))
    return rows


def in_turn(matters: list[Matter], rng: random.Random) -> Iterator[Matter]:
    """All matters again and again, each time in another order."""
    while True:
        around = list(matters)
        rng.shuffle(around)
        yield from around


def _row(name: str, line: Line, source: str) -> Row:
    kind = str(line.expected["kind"])
    expected = dict(line.expected)
    if kind == "refusal":
        expected["facts"] = [*line.expected["facts"], ["@refused"]]  # type: ignore[misc]
    return {
        "id": name,
        "input": {"kind": kind, "line": line.plain},
        "expected": expected,
        "answer": line.answer,
        "tags": {"source": source, "kind": kind},
    }


def style_texts(train: list[Row]) -> dict[str, list[Row]]:
    """Sedge's rewrites, and the same matters in the plain voice or in somebody else's."""
    like, unlike = [], []
    for number, row in enumerate(train):
        cluster = str(row.get("cluster", row["id"]))
        like.append({"text": row["answer"], "cluster": cluster})
        plain = re.sub(r"\s+", " ", row["input"]["line"])
        if number % 3 == 0:
            plain = OTHER_VOICES[number // 3 % len(OTHER_VOICES)].format(plain)
        unlike.append({"text": plain, "cluster": cluster})
    return {"style_like": like, "style_unlike": unlike}


def main(folder: Path) -> None:
    """Write all files into `folder`."""
    rows = written()
    for split in OF_A_KIND:
        rows += composed(split)
    chosen = choose(
        rows,
        {(split, kind): count for split, count in OF_A_KIND.items() for kind in KINDS},
        kind_of=lambda row: row["tags"]["kind"],
        texts_of=lambda row: [row["input"]["line"], row["answer"]],
        near=NEAR,
        passages_of=lambda row: (
            letter_runs(row["input"]["line"], RUN) | letter_runs(row["answer"], RUN)
        ),
    )
    write_cases(folder, {**chosen, **style_texts(chosen["train"])})


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
