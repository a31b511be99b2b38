"""Writes the cases and the products' pages: `python make_cases.py [FOLDER]`.

The same bytes every time, from two sources. Pages about services and the conversations in
`handwritten.jsonl` were written one by one; products, their pages and the other conversations are
composed by the folder `generator`. A page, a matter and a piece of small talk are each of one
split, and no text of train shares a long run of letters with one of dev or test.
"""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, zip_longest
from pathlib import Path

from figures import figures_of
from generator.catalogue import Product, catalogue
from generator.conversations import Composer, Talk, read_scenarios

from evals.suite.made_cases import Made, Row, choose, letter_runs, read_handwritten, write_cases

HERE = Path(__file__).resolve().parent
SEED = 2741
SPLITS = ("test", "dev", "train")  # the sealed split draws first
SHARES = {"test": (0, 4), "dev": (4, 8), "train": (8, 13)}  # of the products of each category
WANTED = {  # generated cases of each kind; "rule" of every rule but the bot's
    "test": {"fact": 103, "rule": 7, "bot": 6, "chat": 19},
    "dev": {"fact": 103, "rule": 7, "bot": 6, "chat": 19},
    "train": {"fact": 236, "rule": 20, "bot": 16, "chat": 46},
}
RULES = ("safety", "refund", "warranty", "order", "person", "health", "delivery", "discount")
NEAR = 0.8  # cosine similarity above which two conversations read alike
RUN = 45  # letters, figures apart, that a train text may not share with one of dev or test


def row_of(name: str, talk: Talk, expected: Row, source: str) -> Row:
    """A case; `kind` of its tags is the broad one that scores are reported by."""
    kind = str(expected["kind"])
    broad = {"fact": "fact", "chat": "smalltalk"}.get(kind, "policy")
    return {
        "id": name,
        "input": {
            "earlier": [{"customer": said, "pip": answered} for said, answered in talk.earlier],
            "message": talk.message,
        },
        "expected": expected,
        "answer": talk.answer,
        "tags": {
            "source": source, "kind": broad, "rule": kind, "turn": str(len(talk.earlier) + 1),
        },
    }  # fmt: skip


def fact_of(spellings: Sequence[str], others: Sequence[str], page: str) -> Row:
    """What a reply is compared with: the fact, what it is not, all figures of the page."""
    low = page.casefold()
    wrong = [one for one in others if one.casefold() not in low]
    return {"kind": "fact", "fact": list(spellings), "others": wrong, "page": figures_of(page)}


def written() -> list[Made]:
    """The hand-written conversations, in file order."""
    rows: list[Made] = []
    for split, number, entry in read_handwritten(HERE / "handwritten.jsonl"):
        talk = Talk(entry.get("earlier", []), entry["message"], entry["answer"])
        expected: Row = {"kind": entry["kind"]}
        more: Row = {}
        if document := entry.get("document"):
            page = (HERE / "documents" / f"{document}.md").read_text(encoding="utf-8")
            expected = fact_of(entry["fact"], entry.get("others", []), page)
            more = {"cluster": document, "documents": [document]}
        made = row_of(f"s-{split}-{number}", talk, expected, "handwritten")
        rows.append((split, {**made, **more}))
    return rows


def composed(split: str, products: Sequence[Product]) -> Iterator[Made]:
    """More cases than are needed, of every kind in turn."""
    rng = random.Random(f"{SEED}-{split}")  # noqa: S311 - reproducible data, not a secret
    composer = Composer(rng, split, products)
    makers: list[Callable[[], tuple[Talk, Row, Row]]] = []
    makers += [_facts(composer, products)] * 2 * (WANTED[split]["fact"] // 2)
    for kind in RULES:
        makers += [_rules(composer, kind)] * 3 * WANTED[split]["rule"]
    makers += [_rules(composer, "bot")] * 3 * WANTED[split]["bot"]
    makers += [_talk(composer)] * 3 * WANTED[split]["chat"]
    for number, make in enumerate(makers + makers[: WANTED[split]["fact"]], 1):
        talk, expected, more = make()
        row = row_of(f"s-{split}-g{number:04}", talk, expected, "generated")
        yield split, {**row, **more}


Maker = Callable[[], tuple[Talk, Row, Row]]


def _facts(composer: Composer, products: Sequence[Product]) -> Maker:
    """Asks every product in turn for one of its facts, each fact once, turns in turn."""
    rng = composer.rng
    facts = [rng.sample(product.facts, len(product.facts)) for product in products]
    pairs = cycle(
        [pair for row in zip(*facts, strict=True) for pair in zip(products, row, strict=True)]
    )
    turns = _turns(rng)

    def make() -> tuple[Talk, Row, Row]:
        product, fact = next(pairs)
        talk = composer.about_fact(product, fact, next(turns))
        expected = fact_of(fact.spellings, fact.others, product.page)
        return talk, expected, {"cluster": product.page_id, "documents": [product.page_id]}

    return make


def _rules(composer: Composer, kind: str) -> Maker:
    mine = [one for one in read_scenarios() if (one.split, one.kind) == (composer.split, kind)]
    scenarios, turns = cycle(mine), _turns(composer.rng)

    def make() -> tuple[Talk, Row, Row]:
        scenario = next(scenarios)
        talk = composer.about_rule(scenario, next(turns))
        return talk, {"kind": kind}, {"cluster": f"matter-{scenario.number}"}

    return make


def _talk(composer: Composer) -> Maker:
    lines, later = cycle(list(enumerate(composer.talk))), cycle((2, 3, 4))

    def make() -> tuple[Talk, Row, Row]:
        number, line = next(lines)
        turn = (
            1
            if line[0] == "first"
            else next(later) - (line[0] == "any" and composer.rng.random() < 0.4)
        )
        talk = composer.about_nothing(line, turn)
        return talk, {"kind": "chat"}, {"cluster": f"talk-{composer.split}-{number}"}

    return make


def _turns(rng: random.Random) -> Iterator[int]:
    """The turns 1 to 4 in changing order, the last more often: few are written by hand."""
    while True:
        yield from rng.sample((1, 2, 3, 4, 4), 5)


def products_of(split: str, products: Sequence[Product]) -> Iterator[Product]:
    """The products of a split, of every category some, one category after the other."""
    first, end = SHARES[split]
    kinds = sorted({one.category for one in products})
    mine = [[one for one in products if one.category == kind][first:end] for kind in kinds]
    for row in zip_longest(*mine):
        yield from filter(None, row)


def _texts(given: object) -> Iterator[str]:
    if isinstance(given, dict):
        for one in given.values():
            yield from _texts(one)
    elif isinstance(given, list):
        for one in given:
            yield from _texts(one)
    else:
        yield str(given)


def passages_of(row: Row) -> set[str]:
    """All runs of so many letters of question and answer, figures apart, and the whole answer."""
    texts = " ".join(_texts(row["input"])), row["answer"]
    runs = (letter_runs(re.sub(r"\d", "", text), RUN) for text in texts)
    return {row["answer"]}.union(*runs)


def main(folder: Path) -> None:
    """Write cases and the products' pages into `folder`."""
    (folder / "documents").mkdir(exist_ok=True)
    products = catalogue()
    for product in products:
        path = folder / "documents" / f"{product.page_id}.md"
        path.write_text(product.page, encoding="utf-8")
    random.Random(SEED).shuffle(products)  # noqa: S311 - reproducible data, not a secret
    rows = written()
    for split in SPLITS:
        rows += composed(split, list(products_of(split, products)))
    chosen = choose(
        rows,
        {
            (split, kind): WANTED[split].get(kind, WANTED[split]["rule"])
            for split in SPLITS
            for kind in (*RULES, "fact", "bot", "chat")
        },
        kind_of=lambda row: row["tags"]["rule"],
        texts_of=lambda row: [" ".join(_texts(row["input"]))],
        near=NEAR,
        passages_of=passages_of,
    )
    write_cases(folder, chosen)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
