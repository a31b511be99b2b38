"""Break-even: hand-computed values, a month-by-month account as the oracle, and its properties."""

from __future__ import annotations

import random

import pytest

from tuning.cost.break_even import (
    Terms,
    calls_to_break_even,
    months_to_break_even,
    trainings_until,
)


@pytest.mark.parametrize(
    ("saving", "training", "retrain", "calls", "months"),
    [
        # trained once: 300 / (0.001 * 100,000) = 3
        (0.001, 300.0, None, 100_000, 3.0),
        # every 6 months, 100 saved a month: 600 by the first retraining, which with the first
        # training costs 600: paid on its day, so the crossing at month 3 stays
        (0.001, 300.0, 6.0, 100_000, 3.0),
        # every 4: 400 by month 4 and 600 due; 800 by month 8 and 900 due; 1200 by month 12 and
        # 1200 due: the third retraining is paid, so even for good at 3 * 300 / 100 = 9
        (0.001, 300.0, 4.0, 100_000, 9.0),
        # every 3: what 3 months save is one training exactly; the first is never earned back
        (0.001, 300.0, 3.0, 100_000, None),
        (0.001, 300.0, 2.0, 100_000, None),
        (0.0, 300.0, None, 100_000, None),
        (-0.001, 300.0, None, 100_000, None),
        (0.001, 300.0, None, 0, None),
        (0.001, 0.0, 6.0, 100_000, 0.0),
        (0.0, 0.0, None, 100_000, None),
    ],
)
def test_break_even_is_as_computed_by_hand(saving, training, retrain, calls, months) -> None:
    found = months_to_break_even(Terms(saving, training, retrain), calls)
    assert found == (None if months is None else pytest.approx(months))


@pytest.mark.parametrize(
    ("retrain", "within", "calls"),
    [
        (None, 12.0, 25_000),  # 300 / 0.001 / 12
        (6.0, 3.0, 100_000),  # 1 training by month 3 and 2 by month 6: 300 / 3 = 600 / 6 = 100
        (6.0, 12.0, 75_000),  # 3 by month 12: 900 / 12 = 75; the next, 1200 by 18, is less
        (4.0, 9.0, 100_000),  # 3 by month 9: 900 / 9 = 100; 1200 by month 12: 100, too
        (4.0, 1.0, 300_000),
    ],
)
def test_the_least_volume_is_as_computed_by_hand(retrain, within, calls) -> None:
    found = calls_to_break_even(Terms(0.001, 300.0, retrain), within)
    assert found == pytest.approx(calls)


def test_no_volume_helps_where_a_call_is_not_cheaper() -> None:
    assert calls_to_break_even(Terms(0.0, 300.0, 6.0), 12.0) is None
    assert calls_to_break_even(Terms(-0.1, 0.0), 12.0) is None


def cases(count: int) -> list[tuple[Terms, float]]:
    """Terms and volumes over many sizes, the same each time."""
    draw = random.Random(5)
    return [
        (
            Terms(
                10 ** draw.uniform(-6, 1),
                10 ** draw.uniform(-2, 5),
                draw.choice([None, 10 ** draw.uniform(-1, 2)]),
            ),
            10 ** draw.uniform(0, 8),
        )
        for _ in range(count)
    ]


def behind(terms: Terms, calls: float, month: float) -> float:
    """How much more tuning has cost in all by a month."""
    trainings = trainings_until(month, terms.retrain_months)
    return trainings * terms.training - terms.saving * calls * month


def test_it_is_behind_just_before_and_at_no_later_training() -> None:
    checked = 0
    for terms, calls in cases(3000):
        months = months_to_break_even(terms, calls)
        if months is None or months > 1e4:
            continue
        slack = 1e-6 * terms.training
        every = terms.retrain_months
        days = [every * n for n in range(1, 400) if every * n > months] if every else []
        assert behind(terms, calls, months * (1 + 1e-9)) <= slack
        assert all(behind(terms, calls, day * (1 + 1e-12)) <= slack for day in days)
        before = [month for month in (0.999 * months, 0.0) if month < months]
        worst = max(behind(terms, calls, month) for month in before)
        assert worst > -slack
        checked += 1
    assert checked > 500


def test_more_volume_is_never_later_and_never_less_than_enough() -> None:
    for terms, calls in cases(3000):
        less, more = (months_to_break_even(terms, calls * part) for part in (1.0, 1.07))
        assert less is None or (more is not None and more <= less)


def test_amortising_is_never_earlier_than_the_steps() -> None:
    for terms, calls in cases(3000):
        months = months_to_break_even(terms, calls)
        if months is None or terms.retrain_months is None:
            continue
        rate = terms.saving * calls - terms.training / terms.retrain_months
        assert months <= terms.training / rate * (1 + 1e-9)


def test_the_least_volume_is_the_one_that_breaks_even_in_time() -> None:
    for terms, _ in cases(2000):
        volume = calls_to_break_even(terms, 12.0)
        assert volume is not None
        enough = months_to_break_even(terms, 1.0001 * volume)
        assert enough is not None
        assert enough <= 12.0
        short = months_to_break_even(terms, 0.9999 * volume)
        assert short is None or short > 12.0 * 0.9999


def test_numbers_at_the_edge_of_what_there_is_do_not_break_it() -> None:
    edge = Terms(1e-300, 1e300, 1e-3)
    assert months_to_break_even(edge, 1e12) is None
    assert months_to_break_even(Terms(1e300, 1.0), 1e12) is None  # inf saved is no number
    assert months_to_break_even(Terms(0.1, 0.3, 3.0), 1.0) is None  # 0.1 * 3 > 0.3 in floats
