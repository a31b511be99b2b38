"""Writes the cases and the products' documents: `python make_cases.py [FOLDER]`.

The same bytes every time, from two sources. Documents on policies and services, and the questions
about them in `handwritten.jsonl`, were written one by one. Products, their documents and the
questions about them are composed by the folder `generator`. Each document is asked about in one
split alone, so that no adapter can have learnt what dev or test ask.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from generator.catalogue import Fact, Product, catalogue

from evals.suite.made_cases import Made, Row, read_handwritten, write_cases

HERE = Path(__file__).resolve().parent
SEED = 311
PRODUCTS = {"test": 24, "dev": 24, "train": 19}


def document_of(product: Product) -> str:
    """A product's page: what it is, then its facts in an order of its own."""
    rng = random.Random(f"{SEED}-{product.name}")  # noqa: S311 - reproducible data, not a secret
    sentences = [fact.sentence for fact in product.facts]
    rng.shuffle(sentences)
    first = f"The {product.name} is one of our {product.category}s."
    return f"# {product.name}\n\n{' '.join([first, *sentences])}\n"


def slug(name: str) -> str:
    """The id of a product's document."""
    return f"product-{name.lower()}"


def written() -> list[Made]:
    """The hand-written questions, in file order."""
    rows: list[Made] = []
    for split, number, entry in read_handwritten(HERE / "handwritten.jsonl"):
        asked, answers, document = entry["question"], entry["expected"], entry["document"]
        name = f"f-{split}-{number}"
        rows.append((split, _row(name, asked, answers, document, "handwritten")))
    return rows


def composed() -> list[Made]:
    """A question for every fact of the catalogue, each product in one split."""
    rng = random.Random(SEED)  # noqa: S311 - reproducible data, not a secret
    products = catalogue()
    rng.shuffle(products)
    rows: list[Made] = []
    first = 0
    for split, count in PRODUCTS.items():
        facts = [fact for product in products[first : first + count] for fact in product.facts]
        for number, fact in enumerate(facts, 1):
            rows.append((split, _question(f"f-{split}-g{number:03}", fact, split, rng)))
        first += count
    return rows


def _question(name: str, fact: Fact, split: str, rng: random.Random) -> Row:
    """Train asks in the first two wordings of a kind, dev and test in the last, too."""
    wordings = fact.questions if split != "train" else fact.questions[:2]
    return _row(name, rng.choice(wordings), list(fact.spellings), slug(fact.product), "generated")


def _row(name: str, question: str, expected: list[str], document: str, source: str) -> Row:
    return {
        "id": name,
        "input": {"question": question},
        "expected": expected,
        "answer": expected[0],
        "cluster": document,
        "documents": [document],
        "tags": {"source": source},
    }


def main(folder: Path) -> None:
    """Write cases and the products' documents into `folder`."""
    (folder / "documents").mkdir(exist_ok=True)
    for product in catalogue():
        path = folder / "documents" / f"{slug(product.name)}.md"
        path.write_text(document_of(product), encoding="utf-8")
    rows: dict[str, list[Row]] = {split: [] for split in PRODUCTS}
    for split, row in [*written(), *composed()]:
        rows[split].append(row)
    write_cases(folder, rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
