"""Training that begins from an adapter: which may be begun from, and what comes of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from evals.errors import TrainingError
from evals.suite import Suite, load_suite
from tests.sample_suite import write_suite
from tests.tuning.conftest import MakeTask, chained
from tuning.training.adapters import WEIGHTS
from tuning.training.base import BaseModel
from tuning.training.methods import SFT, Sources, chain_of
from tuning.training.parents import Parent
from tuning.training.train import train_adapter
from tuning.training.tune import tune_suite

TUNE = (
    "tune: {method: lora, prompt: terse, min_examples: 20, epochs: 6, learning_rate: 0.03, "
    "rank: 2}\n"
)


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    return load_suite(write_suite(tmp_path_factory.mktemp("parents") / "s", extra=TUNE))


@pytest.fixture(scope="module")
def parent(suite: Suite, tiny_base: BaseModel) -> Path:
    root = suite.root.parent / "adapters"
    return Path(tune_suite(suite, tiny_base.name, root).adapter_path)


def test_two_stages_apart_end_with_the_weights_of_both_in_one_training(
    make_task: MakeTask, tmp_path: Path
) -> None:
    torch.set_num_threads(1)
    whole = chained(make_task())
    first, second = whole.chain
    together = train_adapter(whole, tmp_path)
    alone = train_adapter(replace(whole, chain=(first,)), tmp_path)
    begun = Parent(alone.adapter, Path(alone.adapter_path) / WEIGHTS)
    after = train_adapter(replace(whole, chain=(second,), parent=begun), tmp_path)
    assert after.parent == alone.adapter
    assert after.adapter == together.adapter != alone.adapter
    weights = [load_file(Path(r.adapter_path) / WEIGHTS) for r in (together, after)]
    assert all(weights[0][name].equal(weights[1][name]) for name in weights[0])


def test_another_parent_is_another_training(make_task: MakeTask) -> None:
    task = make_task()
    parents = [None, Parent("a", Path("a")), Parent("b", Path("a"))]
    assert len({replace(task, parent=parent).identity for parent in parents}) == 3
    moved = replace(task, parent=Parent("a", Path("elsewhere")))
    assert moved.identity == replace(task, parent=parents[1]).identity


def test_an_adapter_is_trained_on_and_its_record_names_what_it_began_from(
    suite: Suite, parent: Path, tiny_base: BaseModel
) -> None:
    record = tune_suite(suite, tiny_base.name, parent.parent, begin_from=parent)
    assert record.parent
    assert record.adapter_path != str(parent)
    assert record.curve[0].loss is not None
    before = tune_suite(suite, tiny_base.name, parent.parent)
    assert record.parent == before.adapter
    assert before.curve[0].loss is not None
    assert record.curve[0].loss < before.curve[0].loss


def test_the_fine_tuning_that_a_method_begins_with_is_left_out(
    make_task: MakeTask, suite: Suite
) -> None:
    from evals.suite.policy_settings import GrpoSettings
    from tuning.training import methods

    task = chained(make_task())

    def chain(_task: object, _sources: object) -> object:
        return task.chain

    sources = Sources(suite, Path())
    settings = replace(task.settings, method="grpo", own=GrpoSettings())
    begun = replace(task, settings=settings, chain=(), parent=Parent("a", Path("a")))
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(methods.CHAINS, "grpo", chain)  # type: ignore[attr-defined]
        assert [stage.name for stage in chain_of(begun, sources)] == ["second"]
        fresh = replace(begun, parent=None)
        assert [stage.name for stage in chain_of(fresh, sources)] == [SFT, "second"]


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (TUNE.replace("rank: 2", "rank: 4"), "its rank is 2, and 4 is asked for"),
        (TUNE.replace("rank: 2", "weights: ia3"), "its weights is lora"),
        (TUNE.replace("rank: 2", "rank: 2, variant: pissa"), "begins from the base alone"),
    ],
)
def test_an_adapter_of_another_shape_is_no_parent(
    suite: Suite, parent: Path, tiny_base: BaseModel, tmp_path: Path, extra: str, said: str
) -> None:
    other = load_suite(write_suite(tmp_path / "s", extra=extra))
    other = replace(other, cases=suite.cases)
    with pytest.raises(TrainingError, match=said):
        tune_suite(other, tiny_base.name, tmp_path / "adapters", begin_from=parent)


def test_an_adapter_that_learnt_other_examples_is_no_parent(
    suite: Suite, parent: Path, tiny_base: BaseModel, tmp_path: Path
) -> None:
    changed = write_suite(
        tmp_path / "s",
        extra=TUNE,
        change=lambda row: row | {"input": {"text": f"{row['input']} anew"}},
    )
    with pytest.raises(TrainingError, match="learnt other examples"):
        tune_suite(load_suite(changed), tiny_base.name, tmp_path / "a", begin_from=parent)


def test_a_child_is_no_parent_and_neither_is_a_folder_without_an_adapter(
    suite: Suite, parent: Path, tiny_base: BaseModel, tmp_path: Path
) -> None:
    child = tune_suite(suite, tiny_base.name, parent.parent, begin_from=parent)
    with pytest.raises(TrainingError, match="not made by supervised fine-tuning alone"):
        tune_suite(suite, tiny_base.name, tmp_path, begin_from=Path(child.adapter_path))
    with pytest.raises(TrainingError, match="no finished adapter here"):
        tune_suite(suite, tiny_base.name, tmp_path, begin_from=tmp_path)
