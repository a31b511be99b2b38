from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.tuning.conftest import MakeTask, chained
from tests.tuning.killed import die_in
from tuning.records import LossPoint, TrainingRecord
from tuning.training.loss_curve import best_step, looks_since_best, loss_curve
from tuning.training.train import train_adapter


class Rising:
    """A look whose score rises by a quarter at each look."""

    def __init__(self) -> None:
        self.looks = 0

    def fingerprint(self) -> str:
        return "rising"

    def __call__(self, _model: Any) -> float:
        self.looks += 1
        torch.rand(3)  # a look may draw: training must not notice
        return self.looks / 4


@pytest.fixture(scope="module")
def uninterrupted(make_task: MakeTask, tmp_path_factory: pytest.TempPathFactory) -> TrainingRecord:
    torch.set_num_threads(1)
    return train_adapter(chained(make_task()), tmp_path_factory.mktemp("chain"))


def tensors(record: TrainingRecord) -> dict[str, Any]:
    return dict(load_file(Path(record.adapter_path) / "adapter_model.safetensors"))


def test_stages_are_trained_one_after_another_and_each_is_recorded(
    uninterrupted: TrainingRecord,
) -> None:
    first, second = uninterrupted.stages
    assert (first.name, second.name) == ("sft", "second")
    assert (first.settings["epochs"], second.settings["learning_rate"]) == (1.0, 1e-2)
    assert (first.rows, first.held_out) == (36, 4)
    assert uninterrupted.curve == second.curve
    assert uninterrupted.trained_tokens == first.trained_tokens + second.trained_tokens
    assert uninterrupted.best_step == second.best_step
    assert [proof.name for proof in uninterrupted.proofs if not proof.passed] == []


def test_the_second_stage_begins_with_the_weights_of_the_first(
    make_task: MakeTask, tmp_path: Path, uninterrupted: TrainingRecord
) -> None:
    task = chained(make_task())
    alone = train_adapter(replace(task, chain=task.chain[1:]), tmp_path)
    begun, fresh = uninterrupted.curve[0].loss, alone.curve[0].loss
    assert begun is not None
    assert fresh is not None
    assert begun < fresh - 0.5


def test_another_stage_or_another_order_is_another_adapter(make_task: MakeTask) -> None:
    plain, task = make_task(), chained(make_task())
    first, second = task.chain
    chains = [
        (),
        task.chain,
        (second, first),
        (first,),
        (first, replace(second, enough=0.5)),
        (first, replace(second, look=None)),
        (first, replace(second, settings=replace(second.settings, seed=6))),
    ]
    assert len({replace(plain, chain=chain).identity for chain in chains}) == len(chains)


@pytest.mark.parametrize(
    ("moment", "number"),
    [("step", 12), ("sealing the best weights", 4)],  # at other moments: test_train.py
)
def test_a_chain_killed_in_its_second_stage_ends_as_if_it_had_not_been(
    make_task: MakeTask,
    tmp_path: Path,
    uninterrupted: TrainingRecord,
    moment: str,
    number: int,
) -> None:
    task = chained(make_task())
    die_in("tests.tuning.training.kill_at", task.base.folder, tmp_path, moment, number, "chain")
    totals: set[int] = set()
    record = train_adapter(task, tmp_path, lambda step, total, loss: totals.add(total))
    expected = tensors(uninterrupted)
    for name, tensor in tensors(record).items():
        assert torch.equal(tensor, expected[name]), name
    assert record.curve == uninterrupted.curve
    assert [one.trained_tokens for one in record.stages] == [
        one.trained_tokens for one in uninterrupted.stages
    ]
    # The first stage, of 6 steps, is not trained again.
    assert totals == (set() if moment == "publishing" else {12})


def test_a_score_chooses_the_step_and_ends_the_stage_when_it_is_enough(
    make_task: MakeTask, tmp_path: Path
) -> None:
    task = make_task(evaluations=6)
    stage = replace(task.fine_tuning(), look=Rising(), enough=0.75)
    record = train_adapter(replace(task, chain=(stage,)), tmp_path)
    scores = [(point.step, point.score) for point in record.curve if point.score is not None]
    assert scores == [(2, 0.25), (4, 0.5), (6, 0.75)]
    assert record.best_step == 6


def test_a_look_does_not_change_what_is_trained_even_where_nothing_is_held_out(
    make_task: MakeTask, tmp_path: Path
) -> None:
    task = make_task(held_out_share=0.0)
    looked = replace(task.fine_tuning(), look=Rising())
    plain = train_adapter(task, tmp_path)
    record = train_adapter(replace(task, chain=(looked,)), tmp_path)
    assert [p.loss for p in record.curve if p.loss is not None] == [p.loss for p in plain.curve]
    assert [p.step for p in record.curve if p.score is not None] == [5, 10, 14]


def test_scores_choose_the_best_step_where_there_are_any_and_losses_elsewhere() -> None:
    losses = (
        LossPoint(1, 0.1, None, 2.0),
        LossPoint(2, 0.2, None, 1.0),
        LossPoint(3, 0.3, None, 3.0),
    )
    scored = (*losses, LossPoint(1, 0.1, score=0.9), LossPoint(3, 0.3, score=0.9))
    assert (best_step(losses), looks_since_best(losses)) == (2, 1)
    assert (best_step(scored), looks_since_best(scored)) == (1, 1)
    assert best_step(()) is None


def test_rewards_in_the_log_are_points_of_the_curve() -> None:
    log = [{"step": 1, "epoch": 0.5, "loss": 0.0, "reward": 0.25}]
    assert loss_curve(log) == (LossPoint(1, 0.5, 0.0, reward=0.25),)
