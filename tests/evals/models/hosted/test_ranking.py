from __future__ import annotations

import math

import pytest

from evals.models.hosted.ranking import rank
from evals.models.hosted.reply import Candidate


def listed(**logprobs: float) -> list[Candidate]:
    return [Candidate(token, value) for token, value in logprobs.items()]


def of(pairs: dict[str, float]) -> list[Candidate]:
    return listed(**pairs)


def test_an_option_has_the_probability_of_all_first_tokens_that_begin_it():
    ranked = rank(["yes", "no"], of({"Yes": -1.0, " yes": -1.5, "ye": -3.0, "No": -0.9, "So": -9}))
    assert ranked.error is None
    expected = math.log(math.exp(-1.0) + math.exp(-1.5) + math.exp(-3.0))
    assert ranked.logprobs == pytest.approx((expected, -0.9))
    assert ranked.best == 0


@pytest.mark.parametrize(
    ("token", "belongs"),
    [
        *((token, True) for token in ("A", " A", "A)", "A.", "a", "\u0120A", "\u2581A")),
        *((token, False) for token in ("Answer", "An", "A1", "", " ")),
    ],
)
def test_a_token_belongs_to_an_option_up_to_the_end_of_a_word(token, belongs):
    ranked = rank(["A", "B"], of({token: -0.1, "B": -2.0}))
    assert (ranked.best == 0) is belongs


def test_case_tells_options_apart_where_nothing_else_does():
    ranked = rank(["Polish", "polish"], of({"Pol": -0.2, "pol": -1.0}))
    assert (ranked.best, ranked.logprobs) == (0, pytest.approx((-0.2, -1.0)))


def test_an_option_that_no_token_begins_is_below_the_least_listed():
    ranked = rank(["A", "B", "C"], of({"A": -0.1, "x": -7.0}))
    assert ranked.logprobs == (-0.1, -8.0, -8.0)


def test_where_nothing_begins_an_option_there_is_no_winner():
    ranked = rank(["A", "B"], of({"The": -0.1, "I": -0.2}))
    assert "none of the 2 likeliest first tokens begins one of the options" in (ranked.error or "")


def test_options_that_begin_with_the_same_token_cannot_be_told_apart():
    ranked = rank(["bill_us", "bill_eu", "other"], of({"bill": -0.1, "other": -3.0}))
    assert "'bill_us' and 'bill_eu' begin with the same token" in (ranked.error or "")


def test_a_shared_token_that_cannot_change_the_winner_is_no_error():
    ranked = rank(["bill_us", "bill_eu", "other"], of({"bill": -5.0, "other": -0.1}))
    assert (ranked.best, ranked.error) == (2, None)


def test_a_shared_token_counts_for_a_rival_of_the_winner():
    tokens = {"no": -1.0, "not": -1.2, "yes": -2.0}
    assert rank(["no", "not sure", "yes"], of(tokens)).error is not None
    assert rank(["no", "not sure", "yes"], of(tokens | {"not s": -0.01})).best == 1


def test_no_candidates_and_an_empty_option_are_errors():
    assert "no log-probabilities" in (rank(["A"], []).error or "")
    assert "empty" in (rank(["A", " "], of({"A": -1.0})).error or "")


def test_ties_go_to_the_first_option():
    assert rank(["B", "A"], of({"A": -1.0, "B": -1.0})).best == 0
