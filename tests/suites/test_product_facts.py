"""Product facts: that only the documents know the answers, and each is judged as it should be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from evals.records import SPLITS, Case, Output, Score
from evals.suite import Suite
from evals.suite.load import load_suite
from tests.suites.suite_code import load_code

SUITE = Path(__file__).parents[2] / "suites" / "product_facts"


def load_scorer() -> Callable[[Case, Output], Score]:
    scorer: Callable[[Case, Output], Score] = load_code(SUITE / "scorers.py").score_fact
    return scorer


score_fact = load_scorer()


@pytest.fixture(scope="module")
def suite() -> Suite:
    return load_suite(SUITE)


def score(expected: list[str], answer: str | None) -> float:
    case = Case("c", {"question": "?"}, expected, expected[0], "dev")
    return score_fact(case, Output(answer, "stop")).value


def test_the_counts_are_those_of_the_readme(suite: Suite) -> None:
    readme = (SUITE / "README.md").read_text(encoding="utf-8")
    assert len(suite.documents) == 101
    for split in SPLITS:
        cases = suite.split(split)
        counts = Counter(case.tags["source"] for case in cases)
        pages = {name for case in cases for name in case.documents}
        row = (counts["generated"], counts["handwritten"], len(cases), len(pages))
        assert f"| {split} | {' | '.join(map(str, row))} |" in readme


def test_a_document_is_asked_about_in_one_split(suite: Suite) -> None:
    splits: dict[str, set[str]] = {}
    for case in suite.cases:
        for name in case.documents:
            splits.setdefault(name, set()).add(case.split)
    assert {len(found) for found in splits.values()} == {1}


def test_every_answer_stands_in_its_own_document_and_in_no_prompt(suite: Suite) -> None:
    pages = {one.id: one.text for one in suite.documents}
    prompts = " ".join(prompt.source for prompt in suite.prompts.values())
    for case in suite.cases:
        assert isinstance(case.expected, list)
        page = " ".join(pages[case.documents[0]].split())
        spellings = [str(one) for one in case.expected]
        assert any(score([one], page[:400]) or one in page for one in spellings), case.id
        assert not score(spellings, prompts), case.id


@pytest.mark.parametrize(
    ("expected", "answer", "right"),
    [
        (["4 h"], "It burns for 4 h.", True),
        (["4 h"], "It burns for 24 h.", False),
        (["4 h"], "It burns for 4 hours.", False),
        (["7 kg"], "It weighs 1.7 kg", False),
        (["7"], "At 7.5 degrees", False),
        (["7"], "At seven, that is 7.", True),
        (["Kendal"], "in KENDAL", True),
        (["five years", "5 years"], "Five years!", True),
        (["TP-5955"], "tp-5955", True),
        (["TP-5955"], "TP-59551", False),
        (["5"], "5 " * 300, False),
        (["5"], "", False),
        (["5"], None, False),
    ],
)
def test_a_fact_counts_where_it_stands_as_whole_words(
    expected: list[str], answer: str | None, right: bool
) -> None:
    assert score(expected, answer) == float(right)
