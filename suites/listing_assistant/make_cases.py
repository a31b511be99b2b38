"""Writes train.jsonl, dev.jsonl and test.jsonl: `python make_cases.py [FOLDER]`.

The same bytes every time, from two sources. `handwritten.jsonl` holds conversations written one
by one, each naming its split. The rest are composed by the folder `generator`: each scenario is a
wording of one split. A conversation that reads like another, and one of train that shares a run
of letters with dev or test, is left out.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path

from generator.talk import TOPICS, Scenario, Talk, Unfit, read_scenarios
from latch import CARD, Reply, homes_in, read_reply

from evals.suite.duplicates import near_duplicates
from evals.suite.letter_runs import letter_runs

HERE = Path(__file__).resolve().parent
SEED = 5209
PARTS = {"test": 5, "dev": 5, "train": 12}  # thirds of the numbers below; the sealed split first
OF_AN_INTENT = {
    "open": 6, "beds_only": 6, "full": 12, "answer_budget": 9, "answer_beds": 6, "change_area": 6,
    "change_budget": 6, "change_beds": 6, "cheaper": 6, "detail": 9, "book": 9, "book_day": 9,
    "day_answer": 6, "offer": 9, "fact": 9, "bye": 6,
}  # fmt: skip
SPARE = 5  # times as many are written, since some read alike
NEAR = 0.80  # cosine similarity above which two conversations read alike
RUN = 50  # letters that a train case may not share with one of dev or test
ATTEMPTS = 2_000
LONGEST = 450  # characters of an input

Row = dict[str, object]


def read_handwritten() -> list[tuple[str, Row]]:
    """Split and case of each hand-written conversation, in file order."""
    lines = (HERE / "handwritten.jsonl").read_text(encoding="utf-8").splitlines()
    rows, counts = [], dict.fromkeys(PARTS, 0)
    for row in map(json.loads, lines):
        split = row["split"]
        counts[split] += 1
        roles = ("user", "assistant")
        messages = [{"role": roles[at % 2], "content": text} for at, text in enumerate(row["said"])]
        made = _row(row["homes"], messages, row["answer"], row["topic"], "handwritten")
        rows.append((split, {"id": f"l-{split}-h{counts[split]:03}", **made}))
    return rows


def write_generated(split: str) -> list[tuple[str, Row]]:
    """More conversations than are needed: of every intent in turn, of its scenarios in turn."""
    rng = random.Random(f"{SEED}-{split}")  # noqa: S311 - reproducible data, not a secret
    pool = [one for one in read_scenarios() if one.split == split]
    rows: list[tuple[str, Row]] = []
    for intent in OF_AN_INTENT:
        scenarios = in_turn([one for one in pool if one.intent == intent], rng)
        for _ in range(SPARE * wanted(split, intent)):
            scenario = next(scenarios)
            name = f"l-{split}-g{len(rows):04}"
            row = {"id": name, **compose(scenario, pool, rng)}
            rows.append((split, {**row, "cluster": f"scenario-{scenario.number}"}))
    return rows


def wanted(split: str, intent: str) -> int:
    """How many generated cases of an intent a split gets."""
    return OF_AN_INTENT[intent] * PARTS[split] // 3


def in_turn(scenarios: list[Scenario], rng: random.Random) -> Iterator[Scenario]:
    """All scenarios again and again."""
    while True:
        rng.shuffle(scenarios)
        yield from scenarios


def compose(scenario: Scenario, pool: list[Scenario], rng: random.Random) -> Row:
    """A conversation that ends with the scenario, drawn again until it fits."""
    for _ in range(ATTEMPTS):
        talk = Talk(rng, pool)
        try:
            _, answer = talk.finish(scenario)
        except Unfit:
            continue
        homes = "\n".join(home.line for home in talk.homes)
        row = _row(homes, talk.messages, answer, TOPICS[scenario.intent], "generated")
        if len(_text(row)) <= LONGEST:
            return row
    raise SystemExit(f"no homes serve the scenario {scenario.text!r}")


def _row(homes: str, messages: list[dict[str, str]], answer: str, topic: str, source: str) -> Row:
    reply = read_reply(answer)
    in_question = homes_in_question(reply, [one["content"] for one in messages])
    says = [
        saying
        for saying, due in (
            ("under offer", any(CARD.fullmatch(card)[2] for card in reply.cards)),  # type: ignore[index]
            ("sold", "sold" in reply.prose.lower() and reply.closing == "~alert~"),
            ("agent", reply.closing.startswith("~agent:")),
        )
        if due
    ]
    areas = {line.split()[0]: line.split()[1] for line in homes.splitlines()}
    expected = {
        "blocks": reply.blocks,
        "says": says,
        "names": sorted({areas[home] for home in in_question if home in areas}),
    }
    turns = str(sum(one["role"] == "user" for one in messages))
    return {
        "input": {"homes": homes, "messages": messages},
        "expected": expected,
        "answer": answer,
        "tags": {"source": source, "topic": topic, "turns": turns},
    }


def homes_in_question(reply: Reply, messages: list[str]) -> list[str]:
    """The homes of the blocks; without any, those that the talk has come to.

    A sold home, or one that was shown or booked before, has no block, and its area may be named.
    """
    if reply.closing == "~?which~":
        return homes_in(messages[-2]) if len(messages) > 1 else []
    if reply.closing not in ("~alert~", "~bye~"):
        return homes_in(" ".join(reply.blocks))
    named = next(filter(None, (homes_in(text.upper()) for text in reversed(messages))), [])
    return named if len(named) == 1 or reply.closing == "~bye~" else []


def _text(row: Row) -> str:
    """What the model reads, without roles."""
    given = row["input"]
    return "\n".join([given["homes"], *(one["content"] for one in given["messages"])])  # type: ignore[index]


def choose(rows: list[tuple[str, Row]]) -> dict[str, list[Row]]:
    """As many of each split as are wanted, none too near one that came before."""
    texts = [_text(row).lower() for _, row in rows]
    near: dict[int, list[int]] = {}
    for pair in near_duplicates(texts, NEAR):
        near.setdefault(pair.second, []).append(pair.first)
    left = {(split, intent): wanted(split, intent) for split in PARTS for intent in OF_AN_INTENT}
    intents = {f"scenario-{one.number}": one.intent for one in read_scenarios()}
    chosen: dict[str, list[Row]] = {split: [] for split in PARTS}
    taken: set[int] = set()
    sealed: set[str] = set()
    for place, (split, row) in enumerate(rows):
        intent = intents.get(str(row.get("cluster")))
        if intent and (left[split, intent] == 0 or taken.intersection(near.get(place, ()))):
            continue
        runs = runs_of(row)
        if split != "train":
            sealed |= runs
        elif intent and sealed & runs:
            continue
        taken.add(place)
        if intent:
            left[split, intent] -= 1
        chosen[split].append(row)
    if any(left.values()):
        missing = {kind: count for kind, count in left.items() if count}
        raise SystemExit(f"too many conversations read alike: {missing} are missing")
    return chosen


def runs_of(row: Row) -> set[str]:
    """All runs of so many letters of input and answer, without what stands between them."""
    return letter_runs(f"{_text(row)} {row['answer']}", RUN)


def main(folder: Path) -> None:
    """Write the three files into `folder`."""
    rows = read_handwritten()
    for split in PARTS:
        rows += write_generated(split)
    for split, chosen in choose(rows).items():
        lines = [json.dumps(row, ensure_ascii=False) for row in chosen]
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
