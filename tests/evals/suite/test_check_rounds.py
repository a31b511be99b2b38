"""What `check` says of rounds, before any model runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import evals.suite.check_rounds
from evals.records import Finding
from evals.suite import Suite, check_suite, load_suite
from evals.suite.spec import Document, Structure
from tests.sample_suite import ASK, PROMPTS, ROUNDS, SPEC, write_suite

SIZES = {"train": 40, "dev": 30, "test": 30}

Make = Callable[..., Suite]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def suite(*rounds: str, extra: str = "", **options: Any) -> Suite:
        stated = "".join(f"  - {{{one}}}\n" for one in rounds)
        stated = ROUNDS + stated if rounds else ""
        options.setdefault("sizes", SIZES)
        return replace(
            load_suite(write_suite(tmp_path / "tickets", extra=extra + stated, **options)),
            structure=None,
        )

    return suite


def found(suite: Suite) -> dict[str, Finding]:
    return {finding.code: finding for finding in check_suite(suite).findings}


def test_without_rounds_it_says_what_the_ladder_will_try(make: Make) -> None:
    findings = found(make(sizes=SIZES | {"train": 64}))
    note = findings["no_rounds"]
    assert note.level == "note"
    assert note.message == (
        "no rounds: `run` tries the default ladder, 19 candidates in all (wording 3, few_shot 6, "
        "nearest 4, reasoning 2, searched 2, votes 2)"
    )
    assert "little_effort" not in findings


def test_a_ladder_that_can_show_no_plateau_is_noted_and_does_not_warn(make: Make) -> None:
    def choices(case: dict[str, Any]) -> dict[str, Any]:
        return case | {"choices": ["billing", "login", "shipping"]}

    findings = found(make(change=choices, prompts={"plain": f"{SPEC}{ASK}"}))
    assert findings["no_rounds"].message.endswith("1 candidate in all (wording 1)")
    assert findings["little_effort"].level == "note"


@pytest.mark.parametrize(
    ("stated", "code", "level", "words"),
    [
        ("family: structured, prompts: [terse]", "no_structure", "error", "state `structure:`"),
        (
            "family: retrieval, prompts: [terse], documents: [1, 3]",
            "no_documents",
            "error",
            "state `documents:`",
        ),
        (
            "family: searched, prompts: [terse], k: [20]",
            "few_demonstrations",
            "error",
            "searches for 20 demonstrations among 40 train cases: at least 41 are needed",
        ),
        ("family: searched, prompts: [terse], k: [41]", "few_demonstrations", "error", "has 40"),
        ("family: few_shot, prompts: [terse], k: [41]", "few_demonstrations", "error", "has 40"),
        (
            "family: reasoning, prompts: [terse], max_tokens: 128",
            "little_room",
            "warning",
            "128 tokens together (max_tokens), and the suite gives an answer alone 128",
        ),
    ],
)
def test_a_round_that_asks_for_what_the_suite_has_not_is_named_at_its_line(
    stated: str, code: str, level: str, words: str, make: Make
) -> None:
    suite = make(stated)
    finding = found(suite)[code]
    assert finding.level == level
    assert words in finding.message
    assert finding.where == f"{suite.root / 'suite.yaml'}:{suite.rounds[-1].line}"


@pytest.mark.parametrize(
    "stated",
    [
        "family: structured, prompts: [terse]",
        "family: retrieval, prompts: [terse], documents: [1, 3]",
        "family: searched, prompts: [terse], k: [8]",
        "family: reasoning, prompts: [terse]",
        "family: votes, prompts: [terse], votes: [5]",
    ],
)
def test_a_round_that_the_suite_has_everything_for_raises_no_error(stated: str, make: Make) -> None:
    documents = tuple(Document(f"d{n}", f"text {n}") for n in range(3))
    suite = replace(make(stated), structure=Structure(regex=".*"), documents=documents)
    assert check_suite(suite).passed


def test_more_documents_than_there_are_warn(make: Make) -> None:
    suite = make("family: retrieval, prompts: [terse], documents: [1, 3]")
    finding = found(replace(suite, documents=(Document("d", "text"),)))["few_documents"]
    assert (finding.level, finding.message) == (
        "warning",
        "a round of retrieval shows 3 documents, the suite has 1",
    )


def test_what_demonstrations_would_be_shown_to_must_have_a_place_for_them(make: Make) -> None:
    prompts = PROMPTS | {"plain": f"{SPEC}{ASK}"}
    findings = found(make("family: searched, prompts: [plain], k: [4]", prompts=prompts))
    assert findings["no_demos"].level == "error"


@pytest.mark.parametrize(
    ("listed", "single"),
    [
        ("family: few_shot, k: 2, draw: [diverse]", "family: few_shot, k: 2, draw: diverse"),
        ("family: nearest, k: 2, by: [embedding]", "family: nearest, k: 2, by: embedding"),
        ("family: optimised, optimiser: [gepa]", "family: optimised, optimiser: gepa"),
    ],
)
def test_one_word_is_a_list_of_one(make: Make, listed: str, single: str) -> None:
    suite = make(f"{listed}, prompts: [terse]", f"{single}, prompts: [terse]")
    many, one = suite.rounds[-2:]
    assert many.pairs == one.pairs


def test_an_optimiser_whose_packages_are_missing_is_noted_with_how_to_get_them(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evals.suite.check_rounds, "find_spec", lambda _: None)
    suite = make("family: optimised, prompts: [terse], optimiser: [miprov2, gepa]")
    finding = found(suite)["missing_extra"]
    assert finding.level == "note"
    assert finding.message.endswith("needs dspy, gepa: pip install 'tunegate[optimise]'")
    monkeypatch.setattr(evals.suite.check_rounds, "find_spec", lambda _: json)
    assert "missing_extra" not in found(suite)


def test_written_answers_where_there_are_none_warn(make: Make) -> None:
    def choices(case: dict[str, Any]) -> dict[str, Any]:
        if case["id"].startswith("train"):
            return case
        return case | {"choices": ["billing", "login", "shipping"]}

    findings = found(make("family: structured, prompts: [terse]", change=choices))
    assert findings["nothing_written"].level == "warning"


def test_a_candidate_that_two_rounds_declare_is_counted_in_the_first(make: Make) -> None:
    suite = make("family: few_shot, prompts: [terse, spec], k: [2]")
    finding = found(suite)["little_effort"]
    assert "the last two rounds need at least 2 candidates each" in finding.message
