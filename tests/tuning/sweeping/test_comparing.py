from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tuning.sweeping.comparing import Compared, compare, mean_of_groups
from tuning.sweeping.records import StoredTrial, Trial
from tuning.sweeping.space import Settings
from tuning.sweeping.wording import found_sentence

ALONE = [f"case-{n}" for n in range(40)]
PLAIN = Trial(1e-3, 8, 1.0, 1, 40, 40, 1.0)


def trial(scores: Sequence[float], losses: Sequence[float] | None = None) -> StoredTrial:
    return StoredTrial(PLAIN, tuple(scores), tuple(losses or [1.0] * len(ALONE)))


def right(count: int) -> list[float]:
    return [1.0] * count + [0.0] * (len(ALONE) - count)


def test_settings_that_are_ahead_by_more_than_one_error_are_taken_by_score() -> None:
    found = compare(trial(right(20)), trial(right(24)), ALONE, 3)
    assert (found.taken, found.by) == (True, "score")
    assert found.score is not None
    assert found.score.estimate == pytest.approx(0.1)


def test_equal_scores_and_losses_are_a_tie_that_goes_to_the_default() -> None:
    found = compare(trial(right(20)), trial(right(20)), ALONE, 3)
    assert (found.taken, found.by) == (False, "")


def test_a_lead_of_one_case_is_no_lead_and_the_loss_decides() -> None:
    worse = [1.0 + n % 3 / 10 for n in range(40)]
    better = [loss - 0.2 - n % 2 / 20 for n, loss in enumerate(worse)]
    taken = compare(trial(right(20), worse), trial(right(21), better), ALONE, 3)
    assert (taken.taken, taken.by) == (True, "loss")
    assert taken.loss is not None
    assert taken.loss.low > 0
    kept = compare(trial(right(20), better), trial(right(21), worse), ALONE, 3)
    assert not kept.taken


def test_a_lower_loss_does_not_outweigh_a_worse_score() -> None:
    found = compare(trial(right(24)), trial(right(20), [0.1] * 40), ALONE, 3)
    assert (found.taken, found.by) == (False, "score")


def test_without_scorers_the_loss_alone_decides() -> None:
    noisy = [1.0 + n % 5 / 10 for n in range(40)]
    lower = [loss - 0.1 - n % 2 / 50 for n, loss in enumerate(noisy)]
    assert compare(trial((), noisy), trial((), lower), ALONE, 3).by == "loss"
    assert not compare(trial((), lower), trial((), noisy), ALONE, 3).taken


def test_a_default_that_failed_is_behind_and_a_best_that_failed_is_not_taken() -> None:
    failed = StoredTrial(replace(PLAIN, failed="it diverged"))
    assert compare(failed, trial(right(1)), ALONE, 3).taken
    assert not compare(trial(right(1)), failed, ALONE, 3).taken
    assert not compare(failed, failed, ALONE, 3).taken


def test_the_interval_is_wider_the_more_were_tried() -> None:
    few, many = (compare(trial(right(20)), trial(right(26)), ALONE, n) for n in (1, 30))
    assert few.score is not None
    assert many.score is not None
    assert few.score.low > 0 > many.score.low
    assert few.score.level == 0.95


def test_cases_of_one_group_count_as_one() -> None:
    groups = [f"group-{n // 4}" for n in range(40)]
    values = [float(n // 4 % 3) for n in range(40)]
    grouped, alone = mean_of_groups(values, groups), mean_of_groups(values, ALONE)
    assert grouped.mean == alone.mean
    assert grouped.error > 1.9 * alone.error
    single = mean_of_groups(values[::4], ALONE[:10])
    assert grouped.error == pytest.approx(single.error)
    assert grouped.df == single.df == 9


def null_share(pairs: int, draw: random.Random) -> float:
    """How often settings that are no better are taken."""
    taken = 0
    for _ in range(pairs):
        hard = [draw.random() for _ in ALONE]
        one, other = (
            trial(
                [float(draw.random() < p) for p in hard],
                [1.0 + draw.gauss(0, 0.1) for _ in ALONE],
            )
            for _ in range(2)
        )
        taken += compare(one, other, ALONE, 1).taken
    return taken / pairs


def test_settings_that_are_no_better_are_taken_about_as_often_as_one_error_says() -> None:
    # By chance one standard error is passed in 16 of 100: by score, or else by loss.
    assert 0.1 < null_share(400, random.Random(5)) < 0.36


def sentence(found: Compared, **failed: str) -> str:
    default, best = Settings(2e-3, 16, 2.0), Settings(1e-3, 8, 2.0)
    return found_sentence(found, default, best, tried=9, judged=40, **failed)


def test_the_sentence_says_what_was_taken_by_what_and_how_sure_that_is() -> None:
    likely = sentence(compare(trial(right(20)), trial(right(23)), ALONE, 9))
    assert likely.startswith("Trained with learning_rate 0.001, rank 8, epochs 2, and not with")
    assert "+7.5 points on 40 held-out train examples" in likely
    assert "likely and not surely" in likely
    sure = sentence(compare(trial(right(10)), trial(right(35)), ALONE, 9))
    assert "surely ahead by score" in sure
    kept = sentence(compare(trial(right(20)), trial(right(20)), ALONE, 9))
    assert kept.startswith("Nothing that was tried beats the default settings")
    assert "which are kept: others are taken only where" in kept
    worse = compare(trial(right(20), [1.0] * 40), trial(right(12), [1.5] * 40), ALONE, 9)
    assert "-20.0 points on 40 held-out train examples" in sentence(worse)
    assert "loss +0.5000 nats a token (+0.5000 to +0.5000)" in sentence(worse)
    assert "failed" in sentence(Compared(True, "score", None, None), default_failed="it diverged")
