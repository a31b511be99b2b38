from __future__ import annotations

from dataclasses import replace
from math import comb
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from evals.errors import TrainingError
from evals.suite.policy_settings import GrpoSettings
from evals.suite.spec import TuneSpec
from tests.tuning.conftest import chained
from tests.tuning.killed import die_in
from tests.tuning.training.rewarded import (
    KINDS,
    Judging,
    enough_task,
    rewarded_suite,
    rewarded_task,
)
from tuning.records import LossPoint
from tuning.training.base import BaseModel
from tuning.training.enough import looked_at, with_looks
from tuning.training.looking import RewardLook, least_of
from tuning.training.loss_curve import best_step, looks_since_best, suffices, why_ended
from tuning.training.methods import Sources, chain_of
from tuning.training.stages import SureLook
from tuning.training.train import train_adapter


def test_the_least_is_wilsons_bound_at_one_standard_error() -> None:
    alone = [f"case-{n}" for n in range(48)]
    assert least_of([1.0] * 48, alone) == pytest.approx(48 / 49)
    assert least_of([1.0] * 46 + [0.0] * 2, alone) == pytest.approx(0.919, abs=1e-3)
    grouped = [f"group-{n // 4}" for n in range(48)]
    assert least_of([1.0] * 44 + [0.0] * 4, grouped) < least_of(  # type: ignore[operator]
        [1.0] * 44 + [0.0] * 4, alone
    )
    assert least_of([1.0] * 8, [f"group-{n // 2}" for n in range(8)]) is None
    assert least_of([], []) is None


def too_soon(cases: int, until: float, truth: float) -> float:
    """How often one of six independent looks is enough, by binomial sums."""
    alone = [str(n) for n in range(cases)]
    bounds = [least_of([1.0] * n + [0.0] * (cases - n), alone) or 0.0 for n in range(cases + 1)]
    passing = sum(
        comb(cases, n) * truth**n * (1 - truth) ** (cases - n)
        for n, bound in enumerate(bounds)
        if bound >= until
    )
    return 1 - (1 - passing) ** 6


@pytest.mark.parametrize(
    ("cases", "found"), [(48, (0.563, 0.105, 0.011)), (24, (0.393, 0.115, 0.028))]
)
def test_how_often_luck_ends_training_is_what_the_docs_say(
    cases: int, found: tuple[float, ...]
) -> None:
    assert [too_soon(cases, 0.9, truth) for truth in (0.9, 0.85, 0.8)] == [
        pytest.approx(share, abs=6e-4) for share in found
    ]


def test_what_is_enough_is_the_bound_and_not_the_mean() -> None:
    curve = (LossPoint(2, 0.2, score=0.95, least=0.89),)
    assert not suffices(curve, 0.9)
    assert suffices((*curve, LossPoint(4, 0.4, score=0.95, least=0.91)), 0.9)
    assert suffices((LossPoint(2, 0.2, score=0.9),), 0.9)
    assert not suffices(curve, None)
    assert not suffices((LossPoint(2, 0.2, None, 0.1),), 0.05)


def test_the_record_says_why_training_ended() -> None:
    def ended(*points: LossPoint, enough: float | None = 0.9) -> str:
        return why_ended(points, enough=enough, patience=3, steps=10)

    good = LossPoint(4, 0.4, score=0.96, least=0.92)
    assert ended(good).startswith("good enough at step 4 of 10: a score of 0.960, at least 0.920")
    assert ended(good, enough=None) == "no better look in 3, at step 4 of 10"
    assert ended(LossPoint(10, 1.0, 0.1), good) == "good enough at step 4 of 10: " + (
        "a score of 0.960, at least 0.920 on held-out train cases"
    )
    assert ended(LossPoint(10, 1.0, 0.1)) == "all 10 steps were taken"


def test_of_equal_scores_the_lower_loss_is_the_better_look() -> None:
    looks = [(1, 3.0), (2, 2.0), (3, 1.0), (4, 1.5)]
    curve = tuple(
        point
        for step, loss in looks
        for point in (LossPoint(step, 0.1, None, loss), LossPoint(step, 0.1, score=0.0))
    )
    assert (best_step(curve), looks_since_best(curve)) == (3, 1)


def test_the_suite_alone_decides_whether_there_are_looks(tiny_base: BaseModel) -> None:
    plain = enough_task(tiny_base, TuneSpec())
    assert plain.chain == ()
    assert enough_task(tiny_base, TuneSpec(keep="loss")).identity == plain.identity
    until = enough_task(tiny_base, TuneSpec(until=0.8))
    kept = enough_task(tiny_base, TuneSpec(keep="score"))
    assert len({task.identity for task in (plain, until, kept)}) == 3
    (stage,) = until.chain
    assert stage.enough == 0.8
    assert isinstance(stage.look, SureLook)
    assert kept.chain[0].enough is None


def test_what_is_looked_at_is_held_out_of_training(tiny_base: BaseModel) -> None:
    tune = TuneSpec(until=0.8)
    task = enough_task(tiny_base, tune)
    look = task.chain[0].look
    assert isinstance(look, RewardLook)
    suite = replace(rewarded_suite(), tune=tune)
    held = {example.case_id for example in looked_at(task, Sources(suite, Path()))}
    assert {one.case.id for one in look.asked} == held
    assert len(held) == 16
    assert looked_at(task, Sources(replace(suite, tune=TuneSpec()), Path())) == ()


def test_pairs_are_learnt_as_long_as_the_suites_own_score_rises_where_it_can_be_told(
    tiny_base: BaseModel,
) -> None:
    base = enough_task(tiny_base, TuneSpec(keep="loss"))
    first, second = chained(base).chain
    chain = (first, replace(second, look=None))
    suite = replace(rewarded_suite(), tune=TuneSpec(method="dpo"), primary="right")
    judged = Sources(suite, Path(), {"right": Judging("right")})
    last = with_looks(chain, base, judged)[-1]
    assert isinstance(last.look, RewardLook)
    assert last.at_start
    assert with_looks(chain, base, Sources(suite, Path())) == chain
    by_loss = replace(suite, tune=TuneSpec(method="dpo", keep="loss"))
    assert with_looks(chain, base, replace(judged, suite=by_loss)) == chain
    assert not with_looks((), base, replace(judged, suite=suite))[-1].at_start


@pytest.mark.parametrize(
    ("tune", "said"),
    [
        (TuneSpec(until=0.95), "0.95 cannot be reached on 16 held-out .*about 19 are held out"),
        (TuneSpec(until=1.0), "at most 48 cases are held out"),
    ],
)
def test_what_no_score_of_so_few_cases_shows_is_refused_first(
    tiny_base: BaseModel, tune: TuneSpec, said: str
) -> None:
    with pytest.raises(TrainingError, match=said):
        enough_task(tiny_base, tune)


def test_rewards_that_are_not_the_suites_score_do_not_say_that_it_is_enough(
    tiny_base: BaseModel,
) -> None:
    def chain(own: GrpoSettings) -> Any:
        task = replace(rewarded_task(tiny_base, own), chain=())
        suite = replace(rewarded_suite(), tune=TuneSpec(until=0.8))
        scorers: Any = {kind: Judging(kind) for kind in KINDS}
        return chain_of(task, Sources(suite, Path(), scorers))

    assert chain(GrpoSettings(reward="right"))[-1].enough == 0.8
    with pytest.raises(TrainingError, match="not the suite's score, right"):
        chain(GrpoSettings(reward="long"))


def test_training_ends_when_the_suite_is_good_enough_and_keeps_that_step(
    tiny_base: BaseModel, tmp_path: Path
) -> None:
    torch.set_num_threads(1)
    task = enough_task(tiny_base, TuneSpec(until=0.5), metric="short")
    record = train_adapter(task, tmp_path)
    scored = [point for point in record.curve if point.score is not None]
    assert record.ended.startswith(f"good enough at step {scored[-1].step} of ")
    assert scored[-1].least is not None
    assert scored[-1].least >= 0.5
    assert all(point.least < 0.5 for point in scored[:-1] if point.least is not None)
    assert record.best_step == scored[-1].step
    whole = enough_task(tiny_base, TuneSpec())
    assert record.stages[0].ended == record.ended
    assert max(p.step for p in record.curve) < 40
    assert whole.identity != task.identity


def test_killed_between_looks_it_ends_as_if_it_had_not_been(
    tiny_base: BaseModel, tmp_path: Path
) -> None:
    torch.set_num_threads(1)
    task = enough_task(tiny_base, TuneSpec(keep="score"))
    whole = train_adapter(task, tmp_path / "whole")
    die_in("tests.tuning.training.rewarded", tiny_base.folder, tmp_path / "killed", 9, "score")
    told: list[int] = []
    again = train_adapter(task, tmp_path / "killed", lambda step, total, loss: told.append(step))
    assert told[0] > 1
    assert again.curve == whole.curve
    assert again.ended == whole.ended
    first, second = (
        load_file(Path(one.adapter_path) / "adapter_model.safetensors") for one in (whole, again)
    )
    assert all(torch.equal(first[name], second[name]) for name in first)
