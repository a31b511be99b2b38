from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.prompting.ballots import ballot_key
from tests.tuning.data.sampled.drawn import case, chosen, drawn, texts
from tuning.data.sampled.choosing import choose
from tuning.data.sampled.records import SamplePlan


def test_only_right_answers_are_kept() -> None:
    found = chosen([drawn("aye"), drawn("no", 0.0), drawn("nearly", 0.99)])
    assert texts(found) == ["aye"]
    (tally,) = found.cases
    assert (tally.drawn, tally.right, tally.kept) == (3, 1, 1)


def test_a_lower_score_is_enough_where_that_is_stated() -> None:
    found = chosen([drawn("nearly", 0.8), drawn("no", 0.7)], SamplePlan(2, keep=4, least=0.8))
    assert texts(found) == ["nearly"]


def test_the_commonest_right_answer_comes_first_and_no_more_are_kept_than_stated() -> None:
    draws = [drawn("once"), drawn("twice"), drawn("twice"), drawn("also")]
    assert texts(chosen(draws, SamplePlan(4, keep=2))) == ["twice", "once"]
    assert texts(chosen(draws, SamplePlan(4, keep=9))) == ["twice", "once", "also"]


def test_an_answer_that_is_spelled_otherwise_is_the_same_one() -> None:
    found = chosen([drawn("Aye."), drawn("aye"), drawn(" aye ")], SamplePlan(3, keep=9))
    assert texts(found) == ["aye"]
    assert found.answers[0].agreed == 3
    assert found.answers[0].number == 1  # the draw that is spelled as what is kept
    assert found.cases[0].distinct == 1


def test_the_cases_own_answer_is_not_kept_a_second_time_but_where_asked_for() -> None:
    draws = [drawn("YES."), drawn("aye")]
    found = chosen(draws, SamplePlan(2, keep=9))
    assert texts(found) == ["aye"]
    assert (found.cases[0].own, found.cases[0].usable) == (1, 2)
    assert texts(chosen(draws, SamplePlan(2, keep=9, with_own=True))) == ["YES.", "aye"]


@pytest.mark.parametrize(
    ("text", "finish"),
    [
        ("", "stop"),
        ("  \n", "stop"),
        ("cut off in the", "length"),
        ("half \ud83d", "stop"),
        ("hid\u200bden", "stop"),
        ("right\u202eleft", "stop"),
        ("red \x1b[31m", "stop"),
        ("nul \x00", "stop"),
    ],
)
def test_what_scores_full_marks_and_cannot_be_learned_is_counted_and_left_out(
    text: str, finish: str
) -> None:
    found = chosen([drawn(text, 1.0, finish), drawn("aye")], SamplePlan(2, keep=9))
    assert texts(found) == ["aye"]
    assert (found.cases[0].right, found.cases[0].unusable) == (2, 1)


def test_what_the_scorer_rejects_as_it_would_be_trained_on_is_left_out() -> None:
    draws = [drawn(" aye"), drawn("sure"), drawn("well")]
    found = chosen(draws, SamplePlan(3, keep=9), {"aye": 0.0, "sure": None})
    assert texts(found) == ["well"]
    assert found.cases[0].unusable == 2


def test_errors_are_counted_and_never_right() -> None:
    found = chosen([drawn(None), drawn("aye", None), drawn("no", 0.0)])
    assert texts(found) == []
    tally = found.cases[0]
    assert (tally.drawn, tally.errors, tally.right, tally.usable) == (3, 2, 0, 0)


@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.text(max_size=6), st.sampled_from(["yes", "Yes.", "aye"])),
            st.one_of(st.none(), st.sampled_from([0.0, 0.5, 1.0])),
            st.sampled_from(["stop", "length"]),
        ),
        min_size=1,
        max_size=12,
    ),
    st.integers(1, 4),
    st.booleans(),
)
def test_whatever_is_drawn_the_counts_add_up_and_nothing_hostile_is_kept(
    draws: list[tuple[str | None, float | None, str]], keep: int, with_own: bool
) -> None:
    results = [drawn(*one) for one in draws]
    plan = SamplePlan(len(results), keep=keep, with_own=with_own)
    found = chosen(results, plan)
    (tally,) = found.cases
    kept = texts(found)
    assert len(kept) == tally.kept <= min(keep, tally.distinct)
    assert len({ballot_key(text) for text in kept}) == len(kept)
    assert tally.right + tally.errors <= tally.drawn == len(draws)
    assert 0 <= tally.unusable <= tally.right
    assert with_own or all(ballot_key(text) != ballot_key("yes") for text in kept)
    for text in kept:
        assert text == text.strip() != ""
        assert json.loads(json.dumps(text).encode()) == text
        text.encode()
        assert any((t or "").strip() == text and s == 1.0 and f == "stop" for t, s, f in draws)


def test_each_case_is_chosen_for_apart_and_in_the_order_of_the_cases() -> None:
    cases = [case("b"), case("a")]
    results = {"a": [drawn("one"), drawn("two")], "b": [drawn("one"), drawn("no", 0.0)]}
    plan = SamplePlan(2, keep=9)
    found = choose(cases, results, "m", plan, lambda pairs: [1.0] * len(pairs))
    assert [(one.case.id, one.text) for one in found.answers] == [
        ("b", "one"),
        ("a", "one"),
        ("a", "two"),
    ]
    assert [one.case for one in found.cases] == ["b", "a"]
