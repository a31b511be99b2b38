"""How alpha is shared among adapters that may be tried on one guard."""

from __future__ import annotations

import pytest

from evals.errors import StatisticsError
from tuning.forgetting.levels import guard_levels


def test_without_remedies_a_guard_is_judged_as_ever() -> None:
    assert guard_levels(0) == (0.05, 0.05)


@pytest.mark.parametrize("remedies", [1, 2, 3, 7, 30])
def test_all_that_may_be_tried_cost_alpha_together_and_none_is_judged_more_loosely(
    remedies: int,
) -> None:
    levels = guard_levels(remedies)
    assert levels.trained + remedies * levels.remedy == pytest.approx(0.05)
    assert max(levels) < 0.05


def test_a_negative_number_is_refused() -> None:
    with pytest.raises(StatisticsError, match="expected 0 or more"):
        guard_levels(-1)


@pytest.mark.parametrize("remedies", [3, 7])
def test_an_adapter_that_loses_the_margin_passes_at_most_as_often_as_alpha(remedies: int) -> None:
    """All of several equally bad adapters tried until one passes; luck shared by the cases."""
    import numpy as np

    from evals.claims import check_margin
    from evals.stats import paired_counts

    random = np.random.default_rng(7)
    levels, cases, margin = guard_levels(remedies), 400, 0.10
    alphas = [levels.trained, *[levels.remedy] * remedies]
    shared = naive = 0
    for _ in range(400):
        hard = random.random(cases) < 0.3  # on these every adapter is unlike the base
        results = []
        for alpha in alphas:
            change = np.where(hard, random.choice([-1, 1], cases, p=[2 / 3, 1 / 3]), 0)
            pair = paired_counts(int((change > 0).sum()), int((change < 0).sum()), cases)
            results.append(
                [check_margin(pair, margin, level).result == "pass" for level in (alpha, 0.05)]
            )
        shared += any(at_level for at_level, _ in results)
        naive += any(at_five for _, at_five in results)
    assert shared / 400 <= 0.05 + 2.6 * (0.05 * 0.95 / 400) ** 0.5
    assert naive / 400 > 0.08  # what a level of 0.05 each would do
