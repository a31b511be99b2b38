"""The guard suite general_ability: enough cases, decidable, and not to be gamed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from evals.records import Case, Output
from evals.scorers.registry import build_scorers
from evals.scorers.selftest import self_test
from evals.suite import load_suite
from evals.suite.duplicates import near_duplicates
from evals.suite.spec import Suite

ROOT = Path(__file__).parents[2] / "suites" / "general_ability"
GENERATED = {"arithmetic", "copy", "extract", "format", "rewrite"}


@pytest.fixture(scope="module")
def suite() -> Suite:
    return load_suite(ROOT)


@pytest.fixture(scope="module")
def ranked(suite: Suite) -> list[Case]:
    return [case for case in suite.cases if case.choices]


def test_all_cases_are_in_dev_and_enough_to_decide_a_five_point_margin(suite: Suite) -> None:
    assert len(suite.split("dev")) == len(suite.cases) >= 420


def test_most_cases_are_ranked_and_the_rest_cover_every_kind_of_generation(suite: Suite) -> None:
    kinds = Counter(case.tags["kind"] for case in suite.cases)
    assert kinds.keys() == {"choice", *GENERATED}
    assert kinds["choice"] >= 300
    assert all(kinds[kind] >= 15 for kind in GENERATED)


def test_the_areas_of_the_ranked_cases_are_varied(ranked: list[Case]) -> None:
    areas = Counter(case.tags["area"] for case in ranked)
    assert len(areas) >= 8
    assert max(areas.values()) <= 0.2 * len(ranked)


def test_only_cases_tagged_choice_are_ranked(suite: Suite) -> None:
    assert all((case.tags["kind"] == "choice") == bool(case.choices) for case in suite.cases)


def test_every_ranked_case_has_four_options_that_differ_and_hold_the_right_one(
    ranked: list[Case],
) -> None:
    for case in ranked:
        folded = [choice.casefold().strip(" .") for choice in case.choices]
        assert len(folded) == len(set(folded)) == 4, case.id
        assert case.choices.count(case.expected) == 1, case.id


def test_the_right_option_stands_equally_often_in_every_place(ranked: list[Case]) -> None:
    places = Counter(case.choices.index(case.expected) for case in ranked)
    for place in range(4):
        assert abs(places[place] / len(ranked) - 0.25) <= 0.05


@pytest.mark.parametrize("extreme", [max, min])
def test_the_length_of_an_option_does_not_give_it_away(ranked: list[Case], extreme: type) -> None:
    credit = 0.0
    for case in ranked:
        lengths = [len(choice) for choice in case.choices]
        if len(case.expected) == extreme(lengths):
            credit += 1 / lengths.count(extreme(lengths))
    assert credit / len(ranked) < 0.4


def test_no_two_inputs_are_alike(suite: Suite) -> None:
    texts = [case.input["text"].casefold() for case in suite.cases]
    assert len(set(texts)) == len(texts)
    assert near_duplicates(texts, 0.8) == []


def test_ids_are_unique_and_say_the_area_or_kind(suite: Suite) -> None:
    assert len({case.id for case in suite.cases}) == len(suite.cases)
    for case in suite.cases:
        name = case.tags["area"] if case.choices else case.tags["kind"]
        assert case.id.startswith(f"ga-{name}-")


def test_the_scorers_tell_right_from_wrong(suite: Suite) -> None:
    assert self_test(suite) == ()


def test_echoing_the_question_earns_little_where_something_is_to_be_done(suite: Suite) -> None:
    doing = [c for c in suite.cases if c.tags["kind"] in {"arithmetic", "format", "rewrite"}]
    with build_scorers(suite) as scorers:
        echoed = [
            scorers["correct"](case, Output(text=case.input["text"], finish_reason="stop")).value
            for case in doing
        ]
    assert sum(echoed) / len(doing) <= 0.15


def test_a_full_mark_answer_is_short_enough_to_be_generated(suite: Suite) -> None:
    generated = [case for case in suite.cases if not case.choices]
    assert max(len(case.answer.split()) for case in generated) <= suite.decoding.max_tokens // 2
