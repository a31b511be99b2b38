"""What sets are made of and scored on, over random suites."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.prompting.demonstrations import leaks_of
from evals.records import Case
from tests.evals.prompting.random_suites import leaks, near, random_cases, suites
from tuning.search.sets import divide_train, draw_sets


def pool_of(size: int) -> list[Case]:
    topics = ("refund", "parcel", "outage", "invoice")
    return [Case(f"t{n}", {"text": f"{topics[n % 4]} {n}"}, "x", "x", "train") for n in range(size)]


@settings(max_examples=60, deadline=None)
@given(suites, st.integers(0, 5), st.integers(1, 40))
def test_nothing_that_sets_show_leaks_to_what_they_are_scored_on_or_to_dev_or_test(
    pool, seed, wanted
):
    found = leaks_of(pool)
    keep = found.fixed[:2]
    parts = divide_train(found, keep, wanted, random.Random(seed))
    alike = near(pool)
    held_out = [case for case in pool if case.split != "train"]
    assert set(keep_ids(keep)) <= set(keep_ids(parts.shown))
    assert len(parts.scored) <= min(wanted, len(found.fixed) // 2)
    for demo in parts.shown:
        assert demo.split == "train"
        assert not any(leaks(case, demo, alike) for case in [*parts.scored, *held_out])


def keep_ids(cases):
    return [case.id for case in cases]


def test_what_sets_are_scored_on_holds_no_case_that_nearly_stands_in_dev_either():
    """Else a set could be chosen for what it does on dev."""
    for seed in range(10):
        pool = random_cases(seed, 40)
        parts = divide_train(leaks_of(pool), (), 40, random.Random(0))
        assert set(keep_ids(parts.scored)) <= set(keep_ids(leaks_of(pool).fixed))


def test_a_cluster_is_shown_or_scored_on_and_never_both():
    cases = tuple(replace(case, cluster=f"c{n % 7}") for n, case in enumerate(pool_of(42)))
    parts = divide_train(leaks_of(cases), cases[:1], 20, random.Random(0))
    assert parts.scored
    assert not {c.cluster for c in parts.scored} & {c.cluster for c in parts.shown}


def test_the_first_set_is_the_one_given_and_no_two_hold_the_same_cases():
    pool = pool_of(30)
    probed = {case.id: n % 3 == 0 for n, case in enumerate(pool)}
    sets = draw_sets(pool[:4], pool, probed, 16, random.Random(0))
    assert len({frozenset(each.ids) for each in sets}) == len(sets) == 16
    assert sets[0].ids == tuple(case.id for case in pool[:4])
    assert sets == draw_sets(pool[:4], pool, probed, 16, random.Random(0))
    assert sets != draw_sets(pool[:4], pool, probed, 16, random.Random(1))


def test_bootstrapped_sets_hold_what_the_model_did_right_or_wrong_or_half_of_each():
    pool = pool_of(40)
    probed = {case.id: n % 2 == 0 for n, case in enumerate(pool)}
    rights = {"right": 4, "wrong": 0, "mixed": 2}
    sets = draw_sets(pool[:4], pool, probed, 16, random.Random(0))
    assert {each.kind for each in sets} == {"drawn", "diverse", *rights}
    for each in sets:
        if each.kind in rights:
            assert sum(probed[name] for name in each.ids) == rights[each.kind]


@pytest.mark.parametrize("right", [True, False])
def test_where_all_is_right_or_all_is_wrong_other_kinds_are_drawn(right):
    pool = pool_of(40)
    sets = draw_sets(pool[:4], pool, {case.id: right for case in pool}, 16, random.Random(0))
    kinds = {each.kind for each in sets}
    assert kinds == {"drawn", "diverse", "right" if right else "wrong"}
    assert len(sets) == 16


def test_of_few_cases_there_are_as_many_sets_as_there_can_be():
    pool = pool_of(3)
    sets = draw_sets(pool[:2], pool, {}, 16, random.Random(0))
    assert {frozenset(each.ids) for each in sets} == {
        frozenset(pair) for pair in (("t0", "t1"), ("t0", "t2"), ("t1", "t2"))
    }
