from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuning.search.halving import MIN_FIRST, Rung, cases_needed, halve, plan_rungs


@pytest.mark.parametrize(
    ("tried", "cases", "rungs"),
    [
        (16, 128, [(16, 16), (8, 16), (4, 32), (2, 64)]),
        (16, 500, [(16, 16), (8, 16), (4, 32), (2, 64)]),
        (8, 64, [(8, 16), (4, 16), (2, 32)]),
        (5, 64, [(5, 16), (3, 16), (2, 32)]),
        (16, 64, [(16, 8), (8, 8), (4, 16), (2, 32)]),
        (16, 63, [(8, 15), (4, 15), (2, 30)]),
        (16, 8, [(2, 8)]),
        (2, 40, [(2, 16)]),
        (16, 7, []),
        (1, 100, []),
    ],
)
def test_rungs_of_so_many_on_so_many_cases(tried, cases, rungs):
    assert list(plan_rungs(tried, cases)) == [Rung(*rung) for rung in rungs]


@given(st.integers(2, 512), st.integers(0, 10_000))
def test_rungs_fit_the_cases_halve_what_is_left_and_cost_a_bounded_amount(tried, cases):
    rungs = plan_rungs(tried, cases)
    assert sum(rung.cases for rung in rungs) <= cases
    assert bool(rungs) == (cases >= MIN_FIRST)
    for before, after in pairwise(rungs):
        assert after.tried == (before.tried + 1) // 2
    if rungs:
        assert rungs[-1].tried == 2
        assert rungs[0].tried <= tried
        assert sum(rung.cases for rung in rungs) == cases_needed(rungs[0].tried, rungs[0].cases)
        cost = sum(rung.tried * rung.cases for rung in rungs)
        assert cost <= 16 * rungs[0].tried * (1 + len(rungs))


def run_by(skill):
    """Each of `left` loses by its skill, and what is asked is kept."""
    asked = []

    def run(left, rung, seen):
        asked.append((list(left), rung.cases, seen))
        return [(rung.cases * (1 - skill[each]), 10) for each in left]

    return run, asked


def test_the_best_stays_and_every_rung_is_on_cases_that_are_new():
    skill = {name: place / 10 for place, name in enumerate("abcdefgh")}
    run, asked = run_by(skill)
    best, standing = halve("hgfedcba", plan_rungs(8, 64), run)
    assert best == "h"
    assert standing.lost == pytest.approx(64 * 0.3)
    assert asked == [
        (list("hgfedcba"), 16, 0),
        (list("hgfe"), 16, 16),
        (list("hg"), 32, 32),
    ]


def test_of_equals_the_cheaper_prompt_stays_and_then_the_earlier():
    rungs = plan_rungs(4, 32)
    tokens = {"a": 9, "b": 8, "c": 8, "d": 9}
    best, _ = halve("abcd", rungs, lambda left, *_: [(1.0, tokens[each]) for each in left])
    assert best == "b"
    best, _ = halve("abcd", rungs, lambda left, *_: [(1.0, 5) for _ in left])
    assert best == "a"


def test_what_was_lost_on_earlier_rungs_counts_to_the_end():
    lost = {"a": [0, 9], "b": [5, 5], "c": [9, 9], "d": [9, 9]}

    def run(left, rung, seen):
        return [(float(lost[each][seen > 0]), 0) for each in left]

    assert halve("abcd", plan_rungs(4, 32), run)[0] == "a"
