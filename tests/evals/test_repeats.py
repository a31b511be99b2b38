from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from statistics import fmean

import pytest

from evals.errors import RecordError
from evals.records import Candidate, CaseResult, Decoding, Output, Run, Score
from evals.repeats import (
    PassRule,
    by_case,
    check_repeats,
    mean_of_repeats,
    over_repeats,
    pass_all,
    pass_at,
    tally,
)
from evals.stats import score_interval


def repeat(
    seed: int,
    scores: Sequence[float | None],
    *,
    clusters: Sequence[str] | None = None,
    prompt: str = "p",
) -> Run:
    """One run of cases c0, c1, ...; None is an error."""
    results = tuple(
        CaseResult(
            case_id=f"c{n}",
            case_fingerprint=f"print-{n}",
            prompt_hash=f"asked-{n}",
            output=Output(None, "error", error="no answer")
            if score is None
            else Output("said", "stop"),
            scores={} if score is None else {"accuracy": Score(score)},
            cluster=clusters[n] if clusters else None,
        )
        for n, score in enumerate(scores)
    )
    candidate = Candidate("m", "m1", prompt, prompt, decoding=Decoding(seed=seed))
    when = "2026-11-22T08:00:00+00:00"
    return Run(f"r{seed}", "s", "s1", "k1", "dev", "accuracy", candidate, results, 0.0, when)


def repeats(*scores: Sequence[float | None]) -> list[Run]:
    return [repeat(seed, each) for seed, each in enumerate(scores)]


@pytest.mark.parametrize(
    ("scores", "share", "standing", "said"),
    [
        ([1.0], 1.0, "right", "right in 1 of 1, at least 1 needed"),
        ([None], 1.0, "open", "right in 0 of 1, 1 without a score, at least 1 needed"),
        ([1.0, 1.0, 0.0, 0.0, 0.0], 0.6, "wrong", "right in 2 of 5, at least 3 needed"),
        ([1.0, 1.0, 1.0, 0.0, 0.0], 0.6, "right", "right in 3 of 5, at least 3 needed"),
        ([1.0, 1.0, 1.0, 1.0, 0.0], 1.0, "wrong", "right in 4 of 5, at least 5 needed"),
        # A repeat without a score: open only where the case hangs on it.
        ([1.0, 1.0, 1.0, None, None], 0.6, "right", None),
        ([1.0, 1.0, None, 0.0, 0.0], 0.6, "open", None),
        ([1.0, None, 0.0, 0.0, 0.0], 0.6, "wrong", None),
    ],
)
def test_a_case_is_right_where_enough_of_its_repeats_are(scores, share, standing, said) -> None:
    found = tally(scores, PassRule(1.0, share))
    assert found.standing == standing
    assert said in (None, found.said)


@pytest.mark.parametrize(
    ("share", "times", "least"),
    [(0.6, 5, 3), (0.6, 10, 6), (0.6, 1, 1), (0.6, 2, 2), (1 / 3, 3, 1), (1.0, 4, 4), (0.2, 3, 1)],
)
def test_another_number_of_repeats_keeps_the_share_rounded_up(share, times, least) -> None:
    assert PassRule(1.0, share).least(times) == least


def test_a_repeat_is_right_from_the_pass_score_on() -> None:
    assert tally([0.5, 0.49], PassRule(0.5)).right == 1


def test_an_average_over_what_was_left_is_not_made() -> None:
    assert mean_of_repeats([1.0, 0.0]) == 0.5
    assert mean_of_repeats([1.0, None]) is None
    assert mean_of_repeats([]) is None


@pytest.mark.parametrize("right", range(6))
@pytest.mark.parametrize("tries", range(1, 6))
def test_the_estimates_are_the_shares_of_all_draws_without_replacement(right, tries) -> None:
    draws = list(combinations([True] * right + [False] * (5 - right), tries))
    assert pass_at(5, right, tries) == pytest.approx(fmean(map(any, draws)))
    assert pass_all(5, right, tries) == pytest.approx(fmean(map(all, draws)))


def test_the_case_is_the_unit_and_repeats_are_averaged_first() -> None:
    found = over_repeats(repeats([1, 1, 0, 0], [1, 0, 0, 0], [1, 0, 0, 1]), PassRule(1.0, 0.6))
    interval = score_interval([1.0, 1 / 3, 0.0, 1 / 3])
    assert found.score == pytest.approx(interval.estimate)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert [level.share for level in found.levels] == [0.75, 0.25, 0.25]
    assert (found.least, found.times, found.cases) == (2, 3, 4)
    assert found.wavered == ("c1", "c3")
    wilson = score_interval([1.0, 0.0, 0.0, 0.0])
    assert (found.levels[2].low, found.levels[2].high) == (wilson.low, wilson.high)


def test_the_estimates_end_at_any_and_all_of_the_repeats() -> None:
    found = over_repeats(repeats([1, 1, 0], [1, 0, 0], [1, 0, 0]), PassRule())
    assert found.levels[0].pass_at == pytest.approx(found.score)
    assert found.levels[0].pass_all == pytest.approx(found.score)
    assert found.levels[-1].pass_at == pytest.approx(found.levels[0].share)
    assert found.levels[-1].pass_all == pytest.approx(found.levels[-1].share)


def test_a_case_with_a_failed_repeat_is_counted_apart_and_may_have_wavered() -> None:
    found = over_repeats(repeats([1, 1, 1], [1, None, 1], [1, 0, 1]), PassRule())
    assert found.errors == ("c1",)
    assert (found.cases, found.score) == (3, 1.0)
    assert [level.share for level in found.levels] == [1.0, 1.0, 1.0]
    assert found.wavered == ("c1",)


def test_nothing_scored_gives_no_number() -> None:
    found = over_repeats(repeats([None], [1]), PassRule())
    assert (found.score, found.low, found.high, found.levels) == (None, None, None, ())


def test_too_few_clusters_leave_the_bounds_open() -> None:
    runs = [repeat(seed, [1, 0, 1, 0], clusters=["a", "a", "b", "b"]) for seed in (0, 1)]
    found = over_repeats(runs, PassRule())
    assert (found.score, found.low, found.high) == (0.5, None, None)
    assert found.levels[0].low is None


def test_the_order_of_the_repeats_does_not_matter() -> None:
    runs = repeats([1, 1, 0], [1, 0, 0], [0, 0, 0])
    one, other = over_repeats(runs, PassRule()), over_repeats(runs[::-1], PassRule())
    assert (one.score, one.levels, one.wavered) == (other.score, other.levels, other.wavered)


def test_runs_over_other_cases_are_no_repeats() -> None:
    with pytest.raises(RecordError, match="different cases"):
        by_case(repeats([1, 1], [1]))


def test_runs_of_another_candidate_are_no_repeats() -> None:
    check_repeats([repeat(0, [1]), repeat(1, [1])])
    with pytest.raises(RecordError, match="different candidates"):
        check_repeats([repeat(0, [1]), repeat(1, [1], prompt="other")])
