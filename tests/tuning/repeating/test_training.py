"""Which of several trainings may ship: by what was held out of training alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from evals.approach import PLAIN
from evals.suite import load_suite
from evals.suite.spec import TuneSpec
from tests.sample_suite import write_suite
from tests.tunegate.scenes import pretended_training
from tuning.learning.sampling import WHOLE, Part
from tuning.records import LossPoint, TrainingRecord
from tuning.repeating.training import best_look, chosen_first, seed_of, train_seeds


def training(folder: Path, seed: int, *curve: LossPoint) -> TrainingRecord:
    suite = load_suite(write_suite(folder / f"suite-{seed}"))
    record = pretended_training(f"tuned-{seed}")(suite, "m", folder)
    return replace(record, settings={"seed": seed}, curve=curve)


def held_out(step: int, loss: float) -> LossPoint:
    return LossPoint(step, 1.0, held_out=loss)


def test_the_lowest_held_out_loss_of_any_step_is_chosen(tmp_path: Path) -> None:
    first = training(tmp_path, 0, held_out(1, 0.5), held_out(2, 0.4), LossPoint(3, 1.0, 0.01))
    second = training(tmp_path, 1, held_out(1, 0.2), held_out(2, 0.9))
    third = training(tmp_path, 2, held_out(1, 0.3))
    order = chosen_first([first, second, third])
    assert [seed_of(one) for one in order] == [1, 0, 2]


def test_a_held_out_score_goes_before_a_loss_and_the_highest_is_chosen(tmp_path: Path) -> None:
    low = training(tmp_path, 0, held_out(1, 0.1), LossPoint(1, 1.0, score=0.4))
    high = training(tmp_path, 1, held_out(1, 0.9), LossPoint(1, 1.0, score=0.7))
    assert [seed_of(one) for one in chosen_first([low, high])] == [1, 0]
    assert best_look(high) == (0.7, "score")


def test_ties_and_trainings_without_a_look_fall_to_the_lowest_seed(tmp_path: Path) -> None:
    equal = [training(tmp_path, seed, held_out(1, 0.5)) for seed in (7, 3, 5)]
    assert [seed_of(one) for one in chosen_first(equal)] == [3, 5, 7]
    none = [training(tmp_path, seed) for seed in (2, 1)]
    assert [seed_of(one) for one in chosen_first(none)] == [1, 2]
    assert best_look(none[0]) is None


def test_seeds_follow_the_suites_own_and_a_single_training_is_asked_for_as_ever(
    tmp_path: Path,
) -> None:
    asked: list[Any] = []

    def train(part: Part = WHOLE, label: str = "training", *, leader: Any) -> TrainingRecord:
        asked.append((part, label))
        return training(tmp_path, part.seed or 0, held_out(1, 1.0 / (1 + len(asked))))

    steps = list(train_seeds(TuneSpec(seed=4, seeds=3), train, PLAIN))
    assert asked == [(Part(seed=s), f"training, seed {s}") for s in (4, 5, 6)]
    assert [[seed_of(one) for one in step] for step in steps] == [[4], [5, 4], [6, 4, 5]]
    asked.clear()
    assert len(list(train_seeds(TuneSpec(seed=4), train, PLAIN))) == 1
    assert asked == [(WHOLE, "training")]


def test_scores_by_reward_models_of_their_own_are_not_held_beside_each_other(
    tmp_path: Path,
) -> None:
    points = {0: 0.55, 1: 0.95}
    made = [
        replace(training(tmp_path, seed, LossPoint(1, 1.0, score=score)), method="rlhf")
        for seed, score in points.items()
    ]
    assert best_look(made[1]) is None
    assert [seed_of(one) for one in chosen_first(made)] == [0, 1]


def test_the_loss_of_pairs_that_a_training_drew_itself_stands_beside_no_other(
    tmp_path: Path,
) -> None:
    made = training(tmp_path, 1, held_out(1, 0.2))
    drawn, stated = (
        replace(made, method="dpo", settings={"seed": 1, "dpo.draws": draws}) for draws in (4, 0)
    )
    assert best_look(drawn) is None
    assert best_look(stated) == (0.2, "loss")
    scored = replace(drawn, curve=(*drawn.curve, LossPoint(1, 1.0, score=0.6)))
    assert best_look(scored) == (0.6, "score")
