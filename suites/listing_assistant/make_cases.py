"""Writes train.jsonl, dev.jsonl and test.jsonl: `python make_cases.py [FOLDER]`.

The same bytes every time, from two sources. `handwritten.jsonl` holds conversations written one
by one, each naming its split. The rest are composed by the folder `generator`: each scenario is a
wording of one split. A conversation that reads like another, and one of train that shares a run
of letters with dev or test, is left out.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path

from generator.talk import TOPICS, Scenario, Talk, Unfit, read_scenarios
from latch import CARD, Reply, homes_in, read_reply

from evals.suite.made_cases import Made, Row, choose, letter_runs, read_handwritten, write_cases

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


def written() -> list[Made]:
    """The hand-written conversations, in file order."""
    rows: list[Made] = []
    for split, number, entry in read_handwritten(HERE / "handwritten.jsonl"):
        said, roles = entry["said"], ("user", "assistant")
        messages = [{"role": roles[at % 2], "content": text} for at, text in enumerate(said)]
        made = _row(entry["homes"], messages, entry["answer"], entry["topic"], "handwritten")
        rows.append((split, {"id": f"l-{split}-{number}", **made}))
    return rows


def composed(split: str) -> list[Made]:
    """More conversations than are needed: of every intent in turn, of its scenarios in turn."""
    rng = random.Random(f"{SEED}-{split}")  # noqa: S311 - reproducible data, not a secret
    pool = [one for one in read_scenarios() if one.split == split]
    rows: list[Made] = []
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
    return "\n".join([given["homes"], *(one["content"] for one in given["messages"])])


def main(folder: Path) -> None:
    """Write the three files into `folder`."""
    rows = written()
    for split in PARTS:
        rows += composed(split)
    intents = {f"scenario-{one.number}": one.intent for one in read_scenarios()}
    chosen = choose(
        rows,
        {(split, intent): wanted(split, intent) for split in PARTS for intent in OF_AN_INTENT},
        kind_of=lambda row: intents.get(row.get("cluster", "")),
        texts_of=lambda row: [_text(row)],
        near=NEAR,
        passages_of=lambda row: letter_runs(f"{_text(row)} {row['answer']}", RUN),
    )
    write_cases(folder, chosen)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
