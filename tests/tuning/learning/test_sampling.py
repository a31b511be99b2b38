"""Parts of the examples: nested, whole clusters, and the same whoever asks."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.errors import UsageError
from tuning.data.dataset import Example
from tuning.learning.sampling import DEFAULT_SHARES, read_shares, take_part


def examples(groups: list[int]) -> tuple[Example, ...]:
    return tuple(Example(f"c{n}", (), "a", f"g{group}") for n, group in enumerate(groups))


GROUPS = st.lists(st.integers(0, 30), min_size=1, max_size=80)


@given(GROUPS, st.integers(0, 3))
def test_the_smaller_part_is_in_the_larger_and_no_cluster_is_split(
    groups: list[int], seed: int
) -> None:
    every = examples(groups)
    parts = [take_part(every, share, seed) for share in DEFAULT_SHARES]
    assert parts[-1] == every
    for smaller, larger in pairwise(parts):
        assert set(smaller) <= set(larger)
    for part in parts:
        assert list(part) == [one for one in every if one in set(part)]
        taken = {one.group for one in part}
        assert {one for one in every if one.group in taken} == set(part)


def test_a_part_has_as_many_as_its_share_where_groups_are_single() -> None:
    every = examples(list(range(1500)))
    assert [len(take_part(every, share, 0)) for share in DEFAULT_SHARES] == [187, 375, 750, 1500]


def test_another_seed_draws_other_examples_and_order_does_not_matter() -> None:
    every = examples(list(range(40)))
    first = take_part(every, Fraction(1, 4), 0)
    assert set(first) != set(take_part(every, Fraction(1, 4), 1))
    assert set(first) == set(take_part(every[::-1], Fraction(1, 4), 0))


def test_a_large_first_cluster_is_taken_whole() -> None:
    assert len(take_part(examples([1] * 9), Fraction(1, 8), 0)) == 9


def test_shares_are_read_sorted_and_once() -> None:
    assert read_shares("1,1/2, 0.5 ,1/8") == (Fraction(1, 8), Fraction(1, 2), Fraction(1))


@pytest.mark.parametrize(
    "text", ["", "0", "-1/2", "2", "1/0", "nan", "1/8,", "half", "9" * 5000, "1e-999999999"]
)
def test_what_is_no_share_is_refused_with_what_would_do(text: str) -> None:
    with pytest.raises(UsageError, match="no share of the examples"):
        read_shares(text)


def test_absurdly_many_shares_are_refused() -> None:
    with pytest.raises(UsageError, match="too many"):
        read_shares(",".join(f"1/{n}" for n in range(1, 40)))
