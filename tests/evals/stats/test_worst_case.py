"""Paired differences with missing scores: a claim must survive however they come out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.errors import StatisticsError
from evals.stats import bounded_difference, one_sided_z, paired_difference

bit = st.sampled_from([0.0, 1.0])
maybe = st.one_of(bit, bit, bit, st.none())
rows = st.lists(st.tuples(maybe, maybe), min_size=12, max_size=40).filter(
    lambda found: any(None not in row for row in found)
)


def test_without_errors_nothing_differs_from_the_plain_difference() -> None:
    a, b = [0.0, 1.0, 1.0, 0.5] * 10, [1.0, 1.0, 0.0, 0.7] * 10
    found, plain = bounded_difference(a, b), paired_difference(a, b)
    assert found.scored == found.against == found.favouring == plain
    assert found.errors == 0
    for z in (1.645, 2.4):
        assert (found.lower(z), found.upper(z)) == (plain.lower(z), plain.upper(z))
        assert found.cases_to_settle(0.1, z) == plain.cases_to_settle(0.1, z)


def test_errors_are_losses_in_one_bound_and_wins_in_the_other() -> None:
    a = [1.0] * 50 + [0.0] * 46 + [None, None, 1.0, 0.0]
    b = [1.0] * 50 + [0.0] * 46 + [1.0, 0.0, None, None]
    found = bounded_difference(a, b)
    assert (found.errors, found.n) == (4, 96)
    assert (found.scored.wins, found.scored.losses, found.scored.n) == (0, 0, 96)
    # The missing one at worst: A right, B wrong, A right, B wrong; then the opposite.
    assert (found.against.wins, found.against.losses, found.against.n) == (0, 2, 100)
    assert (found.favouring.wins, found.favouring.losses, found.favouring.n) == (2, 0, 100)


def test_a_tie_that_only_an_error_adds_proves_nothing() -> None:
    # B is right where A is missing: at worst for B a tie, which alone would narrow the bound.
    a, b = [1.0] * 6 + [0.0] * 6 + [1.0] * 106, [0.0] * 6 + [1.0] * 6 + [1.0] * 106
    z = one_sided_z(0.05)
    found = bounded_difference([*a, None, None, None, None], [*b, 1.0, 1.0, 1.0, 1.0])
    assert found.against.lower(z) > found.scored.lower(z) == found.lower(z)


@settings(max_examples=150, deadline=None)
@given(rows, st.sampled_from([-0.1, 0.0, 0.1]), st.data())
def test_a_claim_holds_for_every_way_the_missing_scores_could_have_come_out(
    found: list[tuple[float | None, float | None]], difference: float, data: st.DataObject
) -> None:
    pair = bounded_difference([row[0] for row in found], [row[1] for row in found])
    filled = [[data.draw(bit) if score is None else score for score in row] for row in found]
    truth = paired_difference([row[0] for row in filled], [row[1] for row in filled])
    z = one_sided_z(0.05)
    assert not pair.above(difference, z) or truth.above(difference, z)
    assert not pair.below(difference, z) or truth.below(difference, z)
    assert pair.lower(z) <= truth.lower(z) + 1e-9
    assert pair.upper(z) >= truth.upper(z) - 1e-9


def test_what_errors_alone_decide_is_not_settled_by_more_cases() -> None:
    z = one_sided_z(0.05)
    a = [0.0] * 10 + [1.0] * 8 + [0.0] * 77 + [0.0] * 5
    b = [1.0] * 10 + [0.0] * 8 + [0.0] * 77
    assert bounded_difference(a, [*b, *[0.0] * 5]).cases_to_settle(0.03, z) is not None
    assert bounded_difference(a, [*b, *[None] * 5]).cases_to_settle(0.03, z) is None


def test_only_errors_and_unequal_sides_are_refused() -> None:
    with pytest.raises(StatisticsError, match="no case is scored on both sides"):
        bounded_difference([1.0, None], [None, 1.0])
    with pytest.raises(StatisticsError, match="A has 1 cases and B 2"):
        bounded_difference([1.0], [1.0, 0.0])
