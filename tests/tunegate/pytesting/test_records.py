"""What an evaluation lets a test assert."""

from __future__ import annotations

import json
import warnings
from dataclasses import asdict, replace
from math import isnan, nan

import pytest

from tunegate.pytesting.records import (
    Evaluation,
    JudgedCase,
    JudgedCheck,
    Level,
    Result,
    TunegateWarning,
    evaluation_from,
)

CASE = JudgedCase("q", right=False, score=0.0, why="wrong", lines=("got: x",), run="r")
FOUND = Evaluation(
    suite="tone",
    split="dev",
    metric="accuracy",
    score=0.8,
    low=0.7,
    high=0.9,
    errors=0,
    runs=("r",),
    cases=(CASE,),
    metrics={"accuracy": Level(0.8, 0.70, 0.90, 0.72, 0.88)},
)


def baseline(result: Result) -> tuple[JudgedCheck, ...]:
    return (
        JudgedCheck("definition", "tone", "pass", "as before"),
        JudgedCheck("baseline", "accuracy", result, "a loss of 5 points"),
    )


def test_at_least_passes_where_the_bound_shows_it():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        FOUND.assert_at_least(0.72)


def test_at_least_warns_where_nothing_is_settled():
    with pytest.warns(TunegateWarning, match=r"not settled: tone: accuracy is 80\.0%"):
        FOUND.assert_at_least(0.88)


def test_at_least_fails_where_less_is_shown():
    with pytest.raises(AssertionError, match=r"wanted at least 89\.0%"):
        FOUND.assert_at_least(0.89)


def test_a_metric_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(KeyError, match=r"no score of 'tone'.*accuracy"):
        FOUND.assert_at_least(0.5, "tone")


@pytest.mark.parametrize("result", ["fail", "review", "skipped"])
def test_no_regression_fails_on_anything_but_a_pass(result: Result):
    with pytest.raises(AssertionError, match="tone: a loss of 5 points"):
        replace(FOUND, checks=baseline(result)).assert_no_regression()


def test_no_regression_warns_or_fails_where_it_is_undecided():
    undecided = replace(FOUND, checks=baseline("inconclusive"))
    with pytest.warns(TunegateWarning, match="inconclusive: a loss"):
        undecided.assert_no_regression()
    with pytest.raises(AssertionError, match="a loss"):
        replace(undecided, fails_undecided=True).assert_no_regression()


def test_no_regression_of_a_few_cases_is_refused_and_not_passed():
    with pytest.raises(AssertionError, match="only some of its cases"):
        FOUND.assert_no_regression()


def test_no_regression_passes_with_a_baseline_that_passes():
    replace(FOUND, checks=baseline("pass")).assert_no_regression()


def test_an_evaluation_comes_back_from_json_as_it_was():
    whole = replace(FOUND, checks=baseline("pass"), notes=("a", "b"))
    assert evaluation_from(json.loads(json.dumps(asdict(whole)))) == whole
    nothing = evaluation_from(json.loads(json.dumps(asdict(replace(FOUND, score=nan)))))
    assert isnan(nothing.score)
