from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evals.models.planning import (
    MIN_PREFIX,
    Budget,
    common_prefix,
    group_by_length,
    shared_prefix,
)


@given(st.lists(st.integers(1, 400), max_size=60), st.integers(1, 1000), st.integers(1, 9))
def test_every_request_is_in_exactly_one_batch_within_the_budget(
    lengths: list[int], tokens: int, rows: int
) -> None:
    groups = group_by_length(lengths, Budget(tokens, rows))
    assert sorted(index for group in groups for index in group) == list(range(len(lengths)))
    for group in groups[:-1]:
        assert 1 <= len(group) <= rows
        assert len(group) == 1 or sum(lengths[index] for index in group) <= tokens
    for group in groups[-1:]:  # may have taken in a rest
        assert 1 <= len(group) <= rows * 1.25
        rest = [lengths[index] for index in group[1:]]
        assert len(group) == 1 or sum(rest) <= tokens * 1.25


def test_a_small_rest_joins_the_batch_before_it() -> None:
    sizes = [len(group) for group in group_by_length([3] * 21, Budget(100, 8))]
    assert sizes == [8, 8, 5]
    sizes = [len(group) for group in group_by_length([3] * 18, Budget(100, 8))]
    assert sizes == [8, 10]


def test_batches_are_longest_first_with_ties_by_index() -> None:
    assert group_by_length([5, 9, 5, 7], Budget(100, 2)) == [(1, 3), (0, 2)]


@given(st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=50), max_size=6))
def test_the_shared_prefix_is_shared_and_leaves_each_prompt_a_token(
    prompts: list[list[int]],
) -> None:
    common = [7] * 20
    full = [common + prompt for prompt in prompts]
    length = shared_prefix(full)
    if len(full) < 2:
        assert length == 0
        return
    assert length >= MIN_PREFIX
    assert len({tuple(prompt[:length]) for prompt in full}) == 1
    shortest = min(len(prompt) for prompt in full)
    longer = {tuple(prompt[: length + 1]) for prompt in full}
    assert length == shortest - 1 or len(longer) > 1


def test_a_short_shared_prefix_is_not_worth_a_cache() -> None:
    assert shared_prefix([[1] * 10 + [2], [1] * 10 + [3]]) == 0


@given(
    st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=8), min_size=1, max_size=5),
)
def test_a_common_prefix_is_as_long_as_it_can_be(
    prompts: list[list[int]],
) -> None:
    length = common_prefix(prompts)
    assert all(p[:length] == prompts[0][:length] for p in prompts)
    assert all(len(p) > length for p in prompts)
    longer = length + 1
    assert any(p[:longer] != prompts[0][:longer] or len(p) <= longer for p in prompts)
