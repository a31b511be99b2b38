from __future__ import annotations

import math
import random
from dataclasses import replace

import numpy as np
import pytest

from evals.claims import check_margin
from evals.regression.judge import (
    check_baseline,
    check_guard,
    check_level,
    check_must_pass,
)
from evals.regression.records import Check
from evals.regression.wording import check_said
from evals.stats import cases_to_catch, paired_counts, smallest_caught_loss
from tests.evals.regression.tables import METRICS, baseline, definition, table


def judged(before: list[float | None], now: list[float | None], **rules: object) -> Check:
    old, new = table(before), table(now)
    return check_baseline(baseline(old), definition(old, **rules), METRICS, new)


def swapped(n: int, wins: int, losses: int) -> tuple[list[float | None], list[float | None]]:
    """Scores before and now with so many cases won and lost, the others right in both."""
    before = [0.0] * wins + [1.0] * (n - wins)
    now = [1.0] * wins + [0.0] * losses + [1.0] * (n - wins - losses)
    return list(before), list(now)


@pytest.mark.parametrize(
    ("wins", "losses", "n", "margin", "result"),
    [
        # The design's table for a guard of 120 cases at a margin of 5 points.
        (5, 5, 120, 0.05, "pass"),
        (6, 6, 120, 0.05, "inconclusive"),
        (12, 30, 120, 0.05, "fail"),
        # Nothing lost at all: 51 cases are too few for 5 points, 52 are enough.
        (0, 0, 51, 0.05, "inconclusive"),
        (0, 0, 52, 0.05, "pass"),
    ],
)
def test_the_margin_decides_as_the_table_says(wins, losses, n, margin, result) -> None:
    check = judged(*swapped(n, wins, losses), max_loss=margin)
    assert check.result == result
    assert (check.cases_needed is not None) == (result == "inconclusive")
    assert (check.low > -margin) == (result == "pass")
    assert (check.high < -margin) == (result == "fail")


def test_a_likely_loss_that_is_not_settled_is_called_so() -> None:
    check = judged(*swapped(100, 2, 12), max_loss=0.05)
    assert check.result == "inconclusive"
    assert "a loss is likely" in check.sentence
    assert check_said(check).endswith(f"about {check.cases_needed} cases would settle it")


def test_only_cases_that_are_the_same_are_compared() -> None:
    old = table([1.0] * 100)
    new = table([0.0] * 20 + [1.0] * 85, changed=range(20))
    del new["c99"]
    check = check_baseline(baseline(old), definition(old), METRICS, new)
    assert (check.result, check.cases, check.value) == ("pass", 79, 0.0)
    assert check.sentence.endswith("not compared, since the baseline: 1 gone, 5 new, 20 changed")
    assert check.comparison is not None
    assert check.comparison.only_in_a == ("c99",)
    assert check.comparison.changed == tuple(f"c{n}" for n in range(20))


def test_too_few_cases_that_are_the_same_stand_for_review() -> None:
    old = table([1.0] * 100)
    new = table([1.0] * 100, changed=range(51))
    check = check_baseline(baseline(old), definition(old), METRICS, new)
    assert check.result == "review"
    assert "only 49 of 100 cases are as they were" in check.sentence


def test_a_missing_metric_fails_and_another_scorer_stands_for_review() -> None:
    old = table([1.0] * 100)
    accepted = baseline(old)
    gone = check_baseline(accepted, definition(old), {"other": "x"}, old)
    assert (gone.result, "metric accuracy is missing" in gone.sentence) == ("fail", True)
    other = check_baseline(accepted, definition(old), {"accuracy": "accuracy-2"}, old)
    assert (other.result, "scored otherwise" in other.sentence) == ("review", True)


def test_errors_are_counted_against_a_pass() -> None:
    before: list[float | None] = [1.0] * 200
    few: list[float | None] = [None] * 4 + [1.0] * 196
    assert judged(before, before).result == "pass"
    assert judged(before, few, max_loss=0.02).result == "inconclusive"
    many: list[float | None] = [None] * 11 + [1.0] * 189
    check = judged(before, many, max_loss=0.5)
    assert check.result == "inconclusive"
    assert "too many to claim anything" in check.sentence


def test_errors_now_do_not_hide_a_loss() -> None:
    before: list[float | None] = [1.0] * 200
    now: list[float | None] = [None] * 4 + [0.0] * 60 + [1.0] * 136
    assert judged(before, now).result == "fail"


@pytest.mark.parametrize(
    ("right", "n", "least", "result"),
    [
        (96, 100, 0.90, "pass"),  # Clopper and Pearson's lower bound at one-sided 5 % is 0.9108
        (95, 100, 0.90, "inconclusive"),  # 0.8977
        (84, 100, 0.90, "fail"),  # the upper bound is 0.8965
        (85, 100, 0.90, "inconclusive"),  # 0.9053
        (100, 100, 1.0, "inconclusive"),  # no number of cases proves perfection
    ],
)
def test_a_threshold_is_judged_by_its_interval(right, n, least, result) -> None:
    check = check_level("threshold", "accuracy", least, table([1.0] * right + [0.0] * (n - right)))
    assert check.result == result
    assert check.value == right / n


@pytest.mark.parametrize(("n", "truth"), [(20, 0.99), (10, 0.98), (3, 0.5), (50, 0.9), (400, 0.5)])
def test_a_threshold_that_is_exactly_met_fails_and_passes_as_rarely_as_alpha_says(
    n: int, truth: float
) -> None:
    chances = {"fail": 0.0, "pass": 0.0, "inconclusive": 0.0}
    for right in range(n + 1):
        scores = [1.0] * right + [0.0] * (n - right)
        result = check_level("threshold", "accuracy", truth, table(scores)).result
        chances[result] += math.comb(n, right) * truth**right * (1 - truth) ** (n - right)
    assert chances["fail"] <= 0.05
    assert chances["pass"] <= 0.05


def test_a_threshold_of_a_metric_that_nothing_measures_fails() -> None:
    check = check_level("threshold", "tone", 0.5, table([1.0] * 10))
    assert check.result == "fail"
    assert "missing" in check.sentence


def test_errors_can_neither_pass_nor_fail_a_threshold() -> None:
    scores: list[float | None] = [1.0] * 94 + [0.0] * 2 + [None] * 4
    assert check_level("threshold", "accuracy", 0.90, table(scores)).result == "inconclusive"
    scores = [1.0] * 82 + [0.0] * 14 + [None] * 4
    assert check_level("threshold", "accuracy", 0.90, table(scores)).result == "inconclusive"
    assert check_level("threshold", "accuracy", 0.95, table(scores)).result == "fail"
    wrong = [*scores[:96], *[0.0] * 4]
    assert check_level("threshold", "accuracy", 0.90, table(wrong)).result == "fail"


def test_the_cases_a_threshold_needs_settle_it() -> None:
    check = check_level("threshold", "accuracy", 0.90, table([1.0] * 93 + [0.0] * 7))
    n = check.cases_needed
    assert n is not None
    rng = random.Random(1)
    settled = 0
    for _ in range(200):
        drawn = [float(rng.random() < 0.93) for _ in range(n)]
        settled += check_level("threshold", "accuracy", 0.90, table(drawn)).result == "pass"
    assert settled >= 150  # 8 times in 10, but for chance


def test_a_case_that_must_pass_fails_the_gate_alone() -> None:
    now = table([1.0, 0.0, 1.0, None])
    found = check_must_pass(definition(now, must_pass=["c0", "c1", "c3"]), now)
    assert [(check.name, check.result, check.sentence) for check in found] == [
        ("c0", "pass", "case c0 must pass and scored 1.00"),
        ("c1", "fail", "case c1 must pass and scored 0.00"),
        ("c3", "fail", "case c3 must pass and has no score: no answer"),
    ]
    assert check_must_pass(definition(now), now) == ()


def test_a_case_is_right_from_the_pass_score_on() -> None:
    now = table([0.6])
    for least, result in ((0.6, "pass"), (0.61, "fail")):
        (check,) = check_must_pass(definition(now, must_pass=["c0"], pass_score=least), now)
        assert check.result == result


def test_a_case_that_must_pass_is_judged_by_how_many_of_its_repeats_are_right() -> None:
    mean = table([0.6, 0.4, None])
    each = ((1.0, 1.0, 1.0, 0.0, 0.0), (1.0, 1.0, 0.0, 0.0, 0.0), (1.0, 1.0, None, 0.0, 0.0))
    now = {
        name: replace(case, each={"accuracy": scores})
        for (name, case), scores in zip(mean.items(), each, strict=True)
    }
    gate = definition(now, must_pass=["c0", "c1", "c2"])
    assert {check.result for check in check_must_pass(gate, now)} == {"fail"}
    gate = replace(gate, rules={**gate.rules, "repeats.pass_share": 0.6})
    assert [(check.result, check.sentence) for check in check_must_pass(gate, now)] == [
        ("pass", "case c0 must pass and was right in 3 of 5, at least 3 needed"),
        ("fail", "case c1 must pass and was right in 2 of 5, at least 3 needed"),
        (
            "fail",
            "case c2 must pass and was right in 2 of 5, 1 without a score, at least 3 needed "
            "(no answer)",
        ),
    ]


def test_a_guard_is_judged_by_its_own_margin_and_named() -> None:
    base, tuned = swapped(400, 4, 60)
    check = check_guard("manners", "accuracy", 0.10, table(base), table(tuned))
    assert (check.name, check.result, check.limit) == ("manners", "fail", 0.10)
    assert check_guard("manners", "accuracy", 0.20, table(base), table(tuned)).result == "pass"


def test_clusters_widen_what_a_gate_can_say() -> None:
    before, now = swapped(200, 2, 2)
    assert judged(before, now).result == "pass"
    names = [f"k{n // 20}" for n in range(200)]
    lost = [0.0 if n < 4 else 1.0 for n in range(200)]
    old, new = table([1.0] * 200, clusters=names), table(lost, clusters=names)
    check = check_baseline(baseline(old), definition(old), METRICS, new)
    assert check.result == "inconclusive"


@pytest.mark.parametrize(
    ("n", "noise", "mean"), [(60, 0.1, 0.8), (250, 0.2, 0.5), (500, 0.05, 0.9)]
)
def test_the_gate_does_not_cry_wolf(n, noise, mean) -> None:
    """A/A: 400 comparisons of typical suites with themselves fail at most as alpha says."""
    rng = np.random.default_rng(n)
    fails = 0
    for _ in range(400):
        right = rng.random(n) < mean
        flips = rng.random((2, n)) < noise / 2
        a, b = (np.where(flip, ~right, right).astype(float) for flip in flips)
        fails += judged(list(a), list(b)).result == "fail"
    assert fails <= 0.05 * 400


@pytest.mark.parametrize(("margin", "noise"), [(0.05, 0.0), (0.05, 0.1), (0.10, 0.2)])
def test_a_loss_of_twice_the_margin_is_caught_by_a_suite_of_the_stated_size(margin, noise) -> None:
    n = cases_to_catch(2 * margin, margin, noise)
    assert smallest_caught_loss(n, margin, noise) == pytest.approx(2 * margin, rel=1e-2)
    assert smallest_caught_loss(n // 2, margin, noise) > 2 * margin
    rng = np.random.default_rng(7)
    shares = [noise / 2, noise / 2 + 2 * margin, 1 - noise - 2 * margin]
    drawn = rng.multinomial(n, shares, size=1000)
    caught = sum(check_margin(paired_counts(b, c, n), margin).result == "fail" for b, c, _ in drawn)
    assert caught >= 770  # 8 in 10, but for chance
