"""The RLHF chain on a tiny model: pairs, a reward model of them, a policy, and what watches it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from evals.errors import SuiteError, TrainingError
from evals.records import Case, Output
from evals.suite.rlhf_settings import RlhfSettings, policy_of
from tests.tuning.killed import die_in
from tests.tuning.training.chained_to_reward import login, prefers, rlhf_task
from tests.tuning.training.rewarded import rewarded_suite
from tuning.data.drawn_pairs import Asked, DrawnPairs, DrawPlan
from tuning.data.pairs import Pair
from tuning.records import TrainingRecord
from tuning.shipping.unproven import refuse_unproven
from tuning.training.base import BaseModel
from tuning.training.learnt_reward import LearntReward, preferred_share
from tuning.training.methods import Sources, chain_of
from tuning.training.objectives.policy import PolicyObjective
from tuning.training.objectives.reward_modelling import RewardModelling
from tuning.training.parents import Parent
from tuning.training.reward_model import read_reward_model
from tuning.training.task import Task
from tuning.training.train import train_adapter

CASE = Case("case-1", {"text": "q"}, "login", "login", "train")


@pytest.fixture(scope="module")
def whole(
    tiny_base: BaseModel, tmp_path_factory: pytest.TempPathFactory
) -> tuple[TrainingRecord, Path]:
    """One uninterrupted training, and where it lies."""
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("rlhf")
    return train_adapter(rlhf_task(tiny_base, root), root), root


def tensors(record: TrainingRecord) -> dict[str, Any]:
    return dict(load_file(Path(record.adapter_path) / "adapter_model.safetensors"))


def test_a_policy_learns_from_the_reward_model_of_pairs_and_the_record_has_every_stage(
    whole: tuple[TrainingRecord, Path],
) -> None:
    record, root = whole
    fine_tuning, modelling, policy = record.stages
    assert (record.method, [stage.name for stage in record.stages]) == (
        "rlhf",
        ["sft", "reward", "grpo"],
    )
    assert (modelling.rows, modelling.held_out) == (24, 16)
    assert modelling.measured["reward_pairs_by"] == "40 by rule"
    assert modelling.measured["reward_accuracy"] == 1.0
    assert 0.5 < float(modelling.measured["reward_accuracy_low"]) < 1.0
    told = str(modelling.measured["reward_model_is"])
    assert told.startswith("better than chance: 1.00 [0.8")
    losses = [p.loss for p in modelling.curve if p.loss is not None]
    assert losses[-1] < losses[0] / 10
    folder = root / f"reward-{modelling.measured['reward_model']}"
    assert read_reward_model(folder).curve == modelling.curve
    assert policy.measured["reward"] == "reward model"
    assert policy.measured["held_out"] == "right"  # the primary metric, which nobody stated
    looks = [p.score for p in policy.curve if p.score is not None]
    assert max(looks) > looks[0] + 0.4
    assert policy.best_step == next(p.step for p in policy.curve if p.score == max(looks))
    assert policy.settings["rlhf.optimiser"] == "grpo"
    assert fine_tuning.settings["epochs"] == 4.0


def test_a_reward_model_that_is_cheated_is_caught_by_the_suites_own_scorer(
    whole: tuple[TrainingRecord, Path],
) -> None:
    """It prefers one answer whatever is asked, so that the reward rises and fewer are right."""
    record, _ = whole
    assert str(record.stages[-1].measured["reward_hacking"]).startswith("hacked")
    with pytest.raises(TrainingError, match="no reward hacking"):
        refuse_unproven(record)


@pytest.mark.parametrize(
    ("moment", "number"),
    [("drawing", 0), ("step", 22), ("step", 37)],
    ids=["drawing", "reward model", "policy"],
)
def test_killed_after_its_fine_tuning_the_chain_ends_as_if_it_had_not_been(
    tiny_base: BaseModel,
    tmp_path: Path,
    whole: tuple[TrainingRecord, Path],
    moment: str,
    number: int,
) -> None:
    die_in("tests.tuning.training.chained_to_reward", tiny_base.folder, tmp_path, moment, number)
    drawn: list[Asked] = []
    told: list[tuple[int, int]] = []

    def draw(asked: Asked) -> DrawnPairs:
        drawn.append(asked)
        return login(asked)

    task = rlhf_task(tiny_base, tmp_path, draw)
    again = train_adapter(task, tmp_path, lambda step, total, loss: told.append((step, total)))
    record, _ = whole
    expected = tensors(record)
    assert record.stages[-1].best_step > 0  # else these were the fine-tuned weights
    for name, tensor in tensors(again).items():
        assert torch.equal(tensor, expected[name]), name
    assert again.beside == record.beside
    for one, other in zip(again.stages, record.stages, strict=True):
        assert (one.curve, one.identity) == (other.curve, other.identity)
        assert one.trained_tokens == other.trained_tokens
    assert again.stages[-1].measured == record.stages[-1].measured
    steps = 16 + 16 + 8
    assert len(told) < steps  # it went on, and did not begin again
    assert len(drawn) == (0 if number == 37 else 1)  # what the reward model is of is not asked


def test_it_begins_from_an_adapter_that_was_fine_tuned_before(
    tiny_base: BaseModel, tmp_path: Path
) -> None:
    task = rlhf_task(tiny_base, tmp_path, steps=2)
    tuned = train_adapter(replace(task, chain=task.chain[:1]), tmp_path)
    weights = Path(tuned.adapter_path) / "adapter_model.safetensors"
    parent = Parent(tuned.adapter, weights)
    begun = train_adapter(replace(task, chain=task.chain[1:], parent=parent), tmp_path)
    assert begun.parent == tuned.adapter
    assert [stage.name for stage in begun.stages] == ["reward", "grpo"]
    if begun.stages[-1].best_step == 0:  # nothing was better than where it began
        for name, tensor in tensors(begun).items():
            assert torch.equal(tensor, load_file(weights)[name]), name


def nothing_to_tell(n: int) -> bool:
    return (n * n // 3) % 2 == 0


NOISE = prefers(
    lambda n: "login" if nothing_to_tell(n) else "billing",
    lambda n: "billing" if nothing_to_tell(n) else "login",
)


def test_a_reward_model_that_is_not_shown_better_than_chance_is_refused_unless_allowed(
    tiny_base: BaseModel, tmp_path: Path
) -> None:
    task = rlhf_task(tiny_base, tmp_path, NOISE, reward_epochs=0.5, reward_rate=1e-5)
    with pytest.raises(TrainingError, match="not shown to be better than chance") as caught:
        train_adapter(task, tmp_path)
    assert "held-out pairs told apart" in str(caught.value)
    assert "allow_weak" in str(caught.value)
    with pytest.raises(TrainingError, match="better than chance"):  # and so again
        train_adapter(task, tmp_path)
    weak = rlhf_task(
        tiny_base, tmp_path, NOISE, reward_epochs=0.5, reward_rate=1e-5, steps=2, allow_weak=True
    )
    modelling = train_adapter(weak, tmp_path).stages[1]
    assert str(modelling.measured["reward_model_is"]).startswith("not shown better than chance")


def test_no_pair_of_a_case_that_is_looked_at_teaches_the_reward_model(
    tiny_base: BaseModel, tmp_path: Path
) -> None:
    task = rlhf_task(tiny_base, tmp_path)
    modelling, policy = task.chain[1].objective, task.chain[2].objective
    assert isinstance(modelling, RewardModelling)
    assert isinstance(policy, PolicyObjective)
    looked = {one.group for one in policy.look.asked}
    assert modelling.apart == looked
    # By their share alone fewer would be held out than are looked at.
    settings = replace(task.chain[1].settings, held_out_share=0.05)
    parts = replace(modelling, pairs=pairs_of_everyone(task, tmp_path)).parts(settings)
    assert looked <= {pair.group for pair in parts.held_out}
    assert looked.isdisjoint({pair.group for pair in parts.train})


def pairs_of_everyone(task: Task, folder: Path) -> tuple[Pair, ...]:
    (folder / "adapter_model.safetensors").write_bytes(b"")
    among = frozenset(example.case_id for example in task.examples)
    return login(Asked("terse", task.shown, DrawPlan(3, 1.0, 1), among, folder)).pairs


def test_the_reward_keeps_the_order_of_scores_and_lies_between_0_and_1() -> None:
    scores = [-800.0, -1.0, 0.5, 0.5, 3.0, 800.0]
    reward = LearntReward("x", {"case-1": ()})
    reward.become(lambda asked: scores[: len(asked)], centre=0.5)
    given = reward([(CASE, Output("a", "stop"))] * len(scores))
    assert given == sorted(given)
    assert given[2] == given[3] == 0.5  # as good as an average answer of the fine-tuned model
    assert (given[0], given[-1]) == (0.0, 1.0)
    assert given[1] == pytest.approx(preferred_share(-1.5))


def test_an_answer_that_did_not_end_is_worth_nothing_and_is_not_scored() -> None:
    asked: list[str] = []

    def score(pairs: Any) -> list[float]:
        asked.extend(text for _, text in pairs)
        return [5.0 for _ in pairs]

    reward = LearntReward("x", {"case-1": ()})
    reward.become(score, centre=0.0)
    first, cut, last = reward(
        [(CASE, Output("a", "stop")), (CASE, Output("b", "length")), (CASE, Output("c", "stop"))]
    )
    assert (cut, asked) == (0.0, ["a", "c"])
    assert first == last == preferred_share(5.0)


def test_only_train_cases_are_rewarded_and_nothing_before_there_is_a_reward_model() -> None:
    reward = LearntReward("x", {"case-1": ()})
    with pytest.raises(TrainingError, match="no reward model yet"):
        reward([(CASE, Output("a", "stop"))])
    reward.become(lambda asked: [0.0 for _ in asked], centre=0.0)
    with pytest.raises(TrainingError, match="case case-1 is of dev"):
        reward([(replace(CASE, split="dev"), Output("a", "stop"))])


def test_what_decides_the_weights_decides_the_identity(
    tiny_base: BaseModel, tmp_path: Path
) -> None:
    tasks = [
        rlhf_task(tiny_base, tmp_path, **own)
        for own in (
            {},
            {"optimiser": "rloo"},
            {"draws": 5},
            {"reward_epochs": 5.0},
            {"held_out": "long"},
            {"beta": 0.1},
        )
    ]
    assert len({task.identity for task in tasks}) == len(tasks)
    assert rlhf_task(tiny_base, tmp_path / "elsewhere").identity == tasks[0].identity


def test_settings_reach_the_optimiser_that_is_named() -> None:
    own = RlhfSettings(steps=7, beta=0.2, scale="none", expect="hold")
    grpo = policy_of(own, "right")
    assert (type(grpo).__name__, grpo.steps, grpo.beta) == ("GrpoSettings", 7, 0.2)
    assert (grpo.held_out, grpo.expect, grpo.scale) == ("right", "hold", "none")  # type: ignore[attr-defined]
    assert type(policy_of(replace(own, optimiser="rloo"), "right")).__name__ == "RlooSettings"


def test_what_does_not_fit_is_refused_before_anything_is_trained(
    tiny_base: BaseModel, tmp_path: Path
) -> None:
    with pytest.raises(SuiteError, match="there is no metric 'wrong'"):
        rlhf_task(tiny_base, tmp_path, held_out="wrong")
    with pytest.raises(TrainingError, match="0 preference pairs, and at least 4") as caught:
        rlhf_task(tiny_base, tmp_path, draws=0)
    assert "tune.rlhf.draws" in str(caught.value)
    task = replace(rlhf_task(tiny_base, tmp_path), chain=())
    suite = replace(rewarded_suite(), cases=())
    with pytest.raises(TrainingError, match="none are open"):
        chain_of(task, Sources(suite, tmp_path))


def test_the_drawn_pairs_lie_beside_the_adapter_and_the_record_names_them(
    whole: tuple[TrainingRecord, Path],
) -> None:
    record, _ = whole
    assert list(record.beside) == ["pairs.jsonl"]
    lines = (Path(record.adapter_path) / "pairs.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert len(rows) == 40
    assert rows[0] == {
        "case": "case-0",
        "chosen": "login",
        "rejected": "billing",
        "by": "rule",
        "source": "drawn tiny",
        "score_chosen": 1.0,
        "score_rejected": 0.0,
    }
