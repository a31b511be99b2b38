from __future__ import annotations

import math
from pathlib import Path

import pytest

from evals.errors import TrainingError
from evals.fingerprint import fingerprint
from evals.suite.spec import TuneSpec
from tests.tuning.conftest import tickets
from tuning.training.base import BaseModel
from tuning.training.settings import TrainSettings, epochs_for, micro_batch_for, settings_for
from tuning.training.task import Task


def test_more_data_is_passed_over_fewer_times() -> None:
    epochs = [epochs_for(n) for n in (20, 100, 400, 560, 2000, 50_000)]
    assert epochs == sorted(epochs, reverse=True)
    assert epochs[0] == 8
    assert epochs[-1] == 1


@pytest.mark.parametrize(("batch", "longest", "micro"), [(16, 80, 16), (16, 1024, 4), (8, 9000, 1)])
def test_long_examples_share_a_step_over_several_passes(
    batch: int, longest: int, micro: int
) -> None:
    assert micro_batch_for(batch, longest) == micro


def test_what_the_suite_states_overrides_the_defaults() -> None:
    tune = TuneSpec(rank=4, learning_rate=2e-4, epochs=1.5, seed=7)
    made = settings_for(tune, 500, longest=80, context=512, precision="float32")
    assert (made.rank, made.alpha, made.learning_rate, made.epochs, made.seed) == (
        4, 8, 2e-4, 1.5, 7,
    )  # fmt: skip
    assert made.max_tokens == 512


@pytest.mark.parametrize(
    "bad",
    [{"learning_rate": math.nan}, {"rank": 0}, {"batch": 6, "micro_batch": 4}, {"dropout": 1.0}],
)
def test_senseless_settings_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(TrainingError):
        TrainSettings(**bad)  # type: ignore[arg-type]


def test_a_training_by_defaults_keeps_the_identity_that_stored_adapters_have() -> None:
    base = BaseModel("hf:tiny", Path("/x"), None, "a" * 16, "b" * 16, "c" * 16, 512)
    assert Task("tickets", "terse", base, tickets(3), TrainSettings()).identity == (
        "3073087f681f96f1"
    )
    assert fingerprint(TuneSpec()) == "ce54554d1fc9b032"


def made(**stated: object) -> TrainSettings:
    tune = TuneSpec(**stated)  # type: ignore[arg-type]
    return settings_for(tune, 500, longest=80, context=512, precision="float32")


def test_each_kind_of_weights_begins_with_its_own_rate_rank_and_scale() -> None:
    assert (made().learning_rate, made().rank, made().alpha) == (2e-3, 16, 32)
    assert made(weights="full").learning_rate == 2e-4
    assert made(variant="pissa").learning_rate < made().learning_rate
    assert made(weights="vera").rank == 256
    assert made(weights="full", learning_rate=1e-4).learning_rate == 1e-4
    # rsLoRA's scale, alpha / sqrt(rank), is LoRA's at the default rank.
    stabilised = made(variant="rslora")
    assert stabilised.alpha / math.sqrt(stabilised.rank) == made().alpha / made().rank
    assert made(variant="rslora", rank=64, alpha=3).alpha == 3
