"""The rounds that are tried where a suite states none."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evals.prompting.ladder import default_rounds
from evals.suite import Suite, load_suite
from evals.suite.spec import Document, RoundSpec, Structure
from tests.sample_suite import ASK, PROMPTS, SPEC, write_suite

SIZES = {"train": 64, "dev": 30, "test": 30}
BARE = {"plain": f"{SPEC}{ASK}"}
DOCUMENTS = tuple(Document(f"d{n}", f"text {n}") for n in range(9))
STRUCTURE = Structure(schema={"type": "string"}, source="a test")

SHIPPED = Path(__file__).resolve().parents[3] / "suites"

Make = Callable[..., Suite]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def suite(*, extra: str = "", **options: Any) -> Suite:
        options.setdefault("sizes", SIZES)
        suite = load_suite(write_suite(tmp_path / "tickets", extra=extra, **options))
        return replace(suite, structure=None)  # which the labels imply: tests state their own

    return suite


def families(suite: Suite) -> list[str]:
    return [spec.family for spec in default_rounds(suite)]


def labels(suite: Suite, family: str) -> list[str]:
    (spec,) = [each for each in default_rounds(suite) if each.family == family]
    return [prompt + approach.label for prompt, approach in spec.pairs]


def can_show_a_plateau(rounds: tuple[RoundSpec, ...]) -> bool:
    """The least effort that the gate asks for."""
    *_, before, last = rounds
    return (
        len(rounds) >= 3
        and sum(len(spec.pairs) for spec in rounds) >= 5
        and before.family != last.family
        and min(len(before.pairs), len(last.pairs)) >= 2
    )


def test_a_suite_with_everything_gets_every_family_the_cheap_ones_first(make: Make) -> None:
    suite = replace(make(), structure=STRUCTURE, documents=DOCUMENTS)
    assert families(suite) == [
        "wording",
        "few_shot",
        "nearest",
        "structured",
        "retrieval",
        "reasoning",
        "searched",
        "votes",
    ]
    assert can_show_a_plateau(default_rounds(suite))


def test_of_many_prompts_the_shortest_and_the_longest_are_tried_with_more_than_words(
    make: Make,
) -> None:
    prompts = PROMPTS | {"long": PROMPTS["spec"].replace("one of", "exactly one of")}
    suite = make(prompts=prompts)
    assert labels(suite, "wording") == ["terse", "spec", "polite", "long"]
    assert labels(suite, "nearest") == [
        "terse + 4 nearest",
        "terse + 8 nearest",
        "long + 4 nearest",
        "long + 8 nearest",
    ]
    assert labels(suite, "few_shot")[:3] == [
        "terse + 4 static",
        "terse + 8 static",
        "terse + 8 diverse",
    ]
    assert labels(suite, "searched") == ["terse + 8 searched", "long + 8 searched"]
    assert labels(suite, "votes") == ["terse + 4 nearest + 5 votes", "long + 4 nearest + 5 votes"]


def test_prompts_without_demonstrations_are_not_shown_any(make: Make) -> None:
    suite = make(prompts={**BARE, "terse": PROMPTS["terse"]})
    assert {prompt for spec in default_rounds(suite)[1:] for prompt in spec.prompts} == {"terse"}
    assert labels(suite, "wording") == ["plain", "terse"]
    assert families(suite)[-2:] == ["searched", "votes"]
    assert labels(suite, "searched") == ["terse + 4 searched", "terse + 8 searched"]
    assert can_show_a_plateau(default_rounds(suite))


def test_a_single_search_is_not_among_the_last_two_rounds(make: Make) -> None:
    suite = make(prompts={"terse": PROMPTS["terse"]}, sizes=SIZES | {"train": 40})
    assert labels(suite, "searched") == ["terse + 4 searched"]
    assert families(suite)[-2:] == ["reasoning", "votes"]
    assert can_show_a_plateau(default_rounds(suite))


def without_demonstrations(suite: Suite) -> bool:
    return not any(spec.shows for spec in default_rounds(suite))


def test_one_prompt_that_shows_nothing_still_allows_for_a_plateau(make: Make) -> None:
    suite = make(prompts=BARE)
    assert without_demonstrations(suite)
    assert families(suite) == ["wording", "reasoning", "votes"]
    assert labels(suite, "votes") == ["plain + 3 votes", "plain + 5 votes"]
    assert can_show_a_plateau(default_rounds(suite))


@pytest.mark.parametrize(
    ("train", "counts", "searched"),
    [(0, set(), set()), (7, set(), set()), (8, {4}, set()), (32, {4, 8}, {4}), (64, {4, 8}, {8})],
)
def test_no_more_is_shown_than_a_draw_from_train_can_vary(
    train: int, counts: set[int], searched: set[int], make: Make
) -> None:
    sizes = SIZES | {"train": train} if train else {"dev": 30, "test": 30}
    rounds = default_rounds(make(sizes=sizes))
    shown = {
        family: {how.k for spec in rounds if spec.family == family for _, how in spec.pairs}
        for family in ("few_shot", "nearest", "searched")
    }
    assert shown == {"few_shot": counts, "nearest": counts, "searched": searched}
    assert can_show_a_plateau(rounds)


def test_train_cases_that_stand_in_dev_do_not_count_as_something_to_show(make: Make) -> None:
    def leak(case: dict[str, Any]) -> dict[str, Any]:
        number = int(case["id"].split("-")[1])
        return case | {"input": {"text": f"the same words {'abcdefghij' * (number + 1)}"}}

    assert without_demonstrations(make(change=leak, sizes=SIZES | {"train": 30}))


def choices(case: dict[str, Any]) -> dict[str, Any]:
    return case | {"choices": ["billing", "login", "shipping"]}


def turns(case: dict[str, Any]) -> dict[str, Any]:
    return case | {"turns": [{"user": "sure?", "expected": case["expected"]}]}


@pytest.mark.parametrize("change", [choices, turns])
def test_cases_that_are_not_one_written_answer_are_tried_by_wording_and_documents_alone(
    change: Callable[[dict[str, Any]], dict[str, Any]], make: Make
) -> None:
    suite = replace(make(change=change), structure=STRUCTURE, documents=DOCUMENTS)
    assert families(suite) == ["wording", "retrieval"]
    assert without_demonstrations(suite)


def test_one_case_that_is_not_written_leaves_out_what_demands_that_all_are(
    make: Make,
) -> None:
    """Else a round that nobody declared would stop the job with an error."""
    suite = make(change=lambda case: choices(case) if case["id"] == "test-0001" else case)
    assert families(suite) == ["wording", "few_shot", "nearest", "searched"]


def test_no_more_documents_are_shown_than_there_are(make: Make) -> None:
    suite = replace(make(prompts=BARE), documents=DOCUMENTS[:3])
    assert labels(suite, "retrieval") == ["plain + 1 document", "plain + 3 documents"]


def test_a_round_of_one_candidate_is_not_among_the_last_two(make: Make) -> None:
    suite = replace(make(prompts=BARE), documents=DOCUMENTS[:1], structure=STRUCTURE)
    assert families(suite) == ["wording", "structured", "retrieval", "reasoning", "votes"]
    few = make_few(suite)
    sizes = [len(spec.pairs) for spec in default_rounds(few)]
    assert sizes[-2:] == [2, 2]


def make_few(suite: Suite) -> Suite:
    """The same with long answers, where there is no room for twice as long thoughts."""
    return replace(suite, decoding=replace(suite.decoding, max_tokens=4_000))


def test_thoughts_have_room_beside_a_long_answer(make: Make) -> None:
    suite = make_few(make())
    (spec,) = [each for each in default_rounds(suite) if each.family == "reasoning"]
    assert {how.technique.max_tokens for _, how in spec.pairs} == {8_000}


def test_the_ladder_goes_by_the_suite_alone_and_not_by_the_order_of_its_cases(make: Make) -> None:
    suite = make()
    assert default_rounds(suite) == default_rounds(replace(suite, cases=suite.cases[::-1]))


def test_without_dev_and_for_a_shipped_guard_only_the_wording_is_tried(make: Make) -> None:
    assert families(make(sizes={"train": 40})) == ["wording"]
    assert families(load_suite(SHIPPED / "general_ability")) == ["wording"]


def test_blank_inputs_are_near_to_nothing(make: Make) -> None:
    def blank(case: dict[str, Any]) -> Mapping[str, Any]:
        return case | {"input": {"text": " "}} if case["id"].startswith("train") else case

    assert without_demonstrations(make(change=blank))


def test_a_prompt_counts_as_showing_demonstrations_by_its_template(make: Make) -> None:
    said = json.dumps("demos")
    suite = make(prompts={"plain": f'{{% message "system" %}}{said}{{% endmessage %}}{ASK}'})
    assert without_demonstrations(suite)
