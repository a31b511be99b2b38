"""Which pieces a question finds: by its words, in a stable order, in every language alike."""

from __future__ import annotations

import math
import random

from evals.retrieval.index import RANKING, open_index, terms
from evals.suite.spec import Document, RetrievalSpec

SPEC = RetrievalSpec()


def find(question: str, *texts: str, most: int = 10) -> list[str]:
    documents = tuple(Document(f"d{n}", text) for n, text in enumerate(texts))
    return [piece.id for piece in open_index(documents, SPEC).find(question, most)]


def test_the_piece_with_the_rarer_words_comes_first() -> None:
    texts = ("the kettle is red", "the lamp is red", "the lamp is blue")
    assert find("a blue lamp", *texts) == ["d2", "d1"]


def test_scores_are_those_of_the_formula() -> None:
    """The order of random documents by BM25 as Robertson and Zaragoza (2009) write it."""
    rng = random.Random(3)
    words = [f"w{n}" for n in range(12)]
    rows = [[rng.choice(words) for _ in range(rng.randrange(3, 30))] for _ in range(40)]
    _, k1, b = RANKING
    mean = sum(map(len, rows)) / len(rows)

    def score(row: list[str], question: list[str]) -> float:
        total = 0.0
        for word in question:
            holding = sum(word in other for other in rows)
            idf = math.log(1 + (len(rows) - holding + 0.5) / (holding + 0.5))
            count = row.count(word)
            total += idf * count / (count + k1 * (1 - b + b * len(row) / mean))
        return round(total, 6)

    for _ in range(20):
        question = rng.sample(words, 3)
        scores = [score(row, question) for row in rows]
        expected = sorted((n for n, s in enumerate(scores) if s > 0), key=lambda n: (-scores[n], n))
        found = find(" ".join(question), *(" ".join(row) for row in rows), most=40)
        assert found == [f"d{n}" for n in expected]


def test_equals_come_in_the_order_of_the_documents() -> None:
    assert find("same", *["the same text"] * 5, most=3) == ["d0", "d1", "d2"]


def test_what_shares_no_word_is_not_found() -> None:
    assert find("zebra", "a kettle", "a lamp") == []
    assert find("kettle", "a kettle", "a lamp") == ["d0"]


def test_documents_and_questions_without_any_word_find_nothing() -> None:
    assert find("???", "a kettle") == []
    assert find("kettle", "?!", "...") == []


def test_a_piece_is_found_by_its_title() -> None:
    index = open_index((Document("a", "It costs 4.", "Zorb 200"), Document("b", "x")), SPEC)
    assert [piece.id for piece in index.find("zorb", 3)] == ["a"]


def test_words_are_told_apart_alike_in_every_script() -> None:
    assert terms("The NAÏVE ﬁle_2 (AX-200)!") == ["the", "naïve", "file", "2", "ax", "200"]
    assert terms("東京 tower東") == ["東", "京", "tower", "東"]
