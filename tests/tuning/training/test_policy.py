from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from scipy.stats import ttest_ind

from evals.errors import SuiteError, TrainingError
from evals.models import open_model
from evals.models.tokens import encode_chat
from evals.records import Output, Request
from evals.scorers import build_scorers
from evals.suite.load import load_suite
from evals.suite.policy_settings import GrpoSettings, PolicySettings, RlooSettings
from evals.suite.tune_methods import own_of
from tests.tuning.killed import die_in
from tests.tuning.training.rewarded import (
    KINDS,
    Judging,
    killed_settings,
    rewarded_suite,
    rewarded_task,
)
from tuning.records import StageRecord, TrainingRecord
from tuning.shipping.unproven import refuse_unproven
from tuning.training.base import BaseModel
from tuning.training.methods import Sources, chain_of
from tuning.training.objectives.policy import PolicyObjective, sampled_rise
from tuning.training.train import train_adapter
from tuning.training.tune import tune_suite

# The tiny model is never sure of anything: at a lower temperature it learns sooner.
SOON: dict[str, Any] = {
    "sft_epochs": 4.0,
    "steps": 24,
    "prompts": 2,
    "generations": 4,
    "learning_rate": 5e-3,
    "temperature": 0.5,
}


def trained(base: BaseModel, root: Path, own: PolicySettings) -> tuple[TrainingRecord, StageRecord]:
    torch.set_num_threads(1)
    record = train_adapter(rewarded_task(base, own), root)
    return record, record.stages[-1]


def tensors(record: TrainingRecord) -> dict[str, Any]:
    return dict(load_file(Path(record.adapter_path) / "adapter_model.safetensors"))


def test_a_reward_that_can_be_cheated_is_caught_by_the_scorer_that_training_does_not_see(
    tiny_base: BaseModel, tmp_path: Path
) -> None:
    own = GrpoSettings(reward="long", held_out="right", **SOON)
    record, stage = trained(tiny_base, tmp_path, own)
    looks = [(p.score, p.unseen) for p in stage.curve if p.score is not None]
    assert looks[0] == (0.4375, 0.375)
    rewards, unseen = zip(*looks, strict=True)
    assert rewards[-1] > 0.9
    assert unseen[-1] == 0
    (proof,) = [one for one in record.proofs if one.name == "no reward hacking"]
    assert not proof.passed
    assert str(stage.measured["reward_hacking"]).startswith("hacked")
    with pytest.raises(TrainingError, match="no reward hacking"):
        refuse_unproven(record)


def test_without_a_held_out_scorer_the_record_says_that_hacking_was_not_tested(
    tiny_base: BaseModel, tmp_path: Path
) -> None:
    own = GrpoSettings(reward="long", **{**SOON, "steps": 2})
    record, stage = trained(tiny_base, tmp_path, own)
    assert str(stage.measured["reward_hacking"]).startswith("not tested")
    assert "no reward hacking" not in [proof.name for proof in record.proofs]


@pytest.mark.parametrize("kind", [GrpoSettings, RlooSettings])
def test_it_learns_what_is_rewarded(
    tiny_base: BaseModel, tmp_path: Path, kind: type[PolicySettings]
) -> None:
    # With fewer answers to a step, one seed in ten was unlucky.
    own = kind(reward="short", held_out="plain", **{**SOON, "steps": 30, "prompts": 4})
    record, stage = trained(tiny_base, tmp_path, own)
    rewards = [p.reward for p in stage.curve if p.reward is not None]
    assert sum(rewards[-5:]) > sum(rewards[:5]) + 1
    assert [
        proof.name for proof in record.proofs if "hacking" in proof.name and not proof.passed
    ] == []
    assert stage.measured["best_look"] >= stage.measured["first_look"]  # type: ignore[operator]
    assert [one.name for one in record.stages] == ["sft", record.method]


@pytest.mark.parametrize("method", ["grpo", "rloo"])
def test_killed_while_learning_from_rewards_it_ends_as_if_it_had_not_been(
    tiny_base: BaseModel, tmp_path: Path, method: str
) -> None:
    torch.set_num_threads(1)
    task = rewarded_task(tiny_base, killed_settings(method))
    whole = train_adapter(task, tmp_path / "whole")
    (fine_tuning, rewarded) = whole.stages
    steps = max(p.step for p in fine_tuning.curve)
    die_in(
        "tests.tuning.training.rewarded", tiny_base.folder, tmp_path / "killed", steps + 6, method
    )
    told: list[tuple[int, int]] = []
    again = train_adapter(
        task, tmp_path / "killed", lambda step, total, loss: told.append((step, total))
    )
    assert told[0] == (4, 8)  # from the checkpoint at step 3, not from the start
    assert (rewarded.name, rewarded.best_step > 0) == (method, True)
    expected = tensors(whole)
    for name, tensor in tensors(again).items():
        assert torch.equal(tensor, expected[name]), name
    assert again.stages[-1].curve == rewarded.curve
    assert again.stages[-1].trained_tokens == rewarded.trained_tokens
    assert again.stages[-1].measured == rewarded.measured


def test_the_rise_of_sampled_rewards_has_welchs_interval_over_steps() -> None:
    rewards = [0.1, 0.3, 0.2, 0.2, 0.5, 0.5, 0.5, 0.5, 0.5, 0.6, 0.9, 0.6]
    rise = sampled_rise(rewards)
    assert rise is not None
    expected = ttest_ind(rewards[-3:], rewards[:3], equal_var=False).confidence_interval(0.95)
    assert (rise.first, rise.last) == pytest.approx((0.2, 0.7))
    assert (rise.low, rise.high) == pytest.approx((expected.low, expected.high))
    assert str(rise).startswith("0.200 → 0.700, +0.500 [")
    assert sampled_rise(rewards[:7]) is None
    assert sampled_rise([0.5] * 40) is None


def test_the_same_seed_learns_the_same_and_another_does_not(
    tiny_base: BaseModel, tmp_path: Path
) -> None:
    own = GrpoSettings(reward="long", **{**SOON, "steps": 3})
    one, _ = trained(tiny_base, tmp_path / "one", own)
    same, _ = trained(tiny_base, tmp_path / "same", own)
    task = rewarded_task(tiny_base, own, seed=1)
    other = train_adapter(task, tmp_path / "other")
    assert one.curve == same.curve
    assert one.curve != other.curve


def test_prompts_are_the_token_ids_of_the_evals(tiny_base: BaseModel) -> None:
    task = rewarded_task(tiny_base, GrpoSettings(**SOON))
    objective = task.chain[-1].objective
    assert isinstance(objective, PolicyObjective)
    by_id = {example.case_id: example for example in task.examples}
    for one in (*objective.asked, *objective.look.asked):
        messages = by_id[one.case.id].messages
        assert list(one.prompt) == encode_chat(tiny_base.tokenizer, messages)
        # For prompts without control text that is what TRL's own template gives.
        turns = [{"role": m.role, "content": m.content} for m in messages]
        encoded = tiny_base.tokenizer.apply_chat_template(
            turns, add_generation_prompt=True, tokenize=True, return_dict=True
        )
        assert list(one.prompt) == list(encoded["input_ids"])


def test_a_case_is_either_learnt_from_or_looked_at(tiny_base: BaseModel) -> None:
    task = rewarded_task(tiny_base, GrpoSettings(**SOON))
    objective = task.chain[-1].objective
    assert isinstance(objective, PolicyObjective)
    learnt = {one.case.id for one in objective.asked}
    looked = {one.case.id for one in objective.look.asked}
    assert learnt.isdisjoint(looked)
    assert len(learnt) + len(looked) == 40


def test_a_scorer_that_fails_at_times_leaves_answers_without_a_reward_and_counts_them(
    tiny_base: BaseModel, tmp_path: Path
) -> None:
    own = GrpoSettings(reward="fails at times", **{**SOON, "steps": 8})
    _, stage = trained(tiny_base, tmp_path, own)
    unscored = stage.measured["unscored"]
    assert unscored
    assert int(unscored) % own.generations == 0  # whole cases fail, here


def test_a_scorer_that_fails_mostly_stops_training(tiny_base: BaseModel, tmp_path: Path) -> None:
    own = GrpoSettings(reward="broken", **SOON)
    with pytest.raises(TrainingError, match=r"gave no score for .*it is broken"):
        trained(tiny_base, tmp_path, own)


def test_rewards_that_are_all_the_same_are_no_signal(tiny_base: BaseModel, tmp_path: Path) -> None:
    own = GrpoSettings(reward="right", **{**SOON, "sft_epochs": 0.0})
    with pytest.raises(TrainingError, match=r"no signal.*right is 0.00.*sft_epochs"):
        trained(tiny_base, tmp_path, own)


def test_metrics_that_do_not_fit_are_refused_before_anything_is_trained(
    tiny_base: BaseModel,
) -> None:
    with pytest.raises(SuiteError, match="there is no metric 'wrong'"):
        rewarded_task(tiny_base, GrpoSettings(reward="wrong"))
    with pytest.raises(SuiteError, match="cannot be the held-out scorer too"):
        rewarded_task(tiny_base, GrpoSettings(held_out="right"))
    task = rewarded_task(tiny_base, GrpoSettings())
    with pytest.raises(TrainingError, match="none are open"):
        chain_of(task, Sources(rewarded_suite(), Path()))


def test_what_decides_the_weights_decides_the_identity(tiny_base: BaseModel) -> None:
    plain = GrpoSettings(reward="long")
    tasks = [
        rewarded_task(tiny_base, own)
        for own in (
            plain,
            replace(plain, held_out="right"),
            replace(plain, reward="billing"),
            replace(plain, steps=41),
            RlooSettings(reward="long"),
        )
    ]
    assert len({task.identity for task in tasks}) == len(tasks)
    assert rewarded_task(tiny_base, plain).identity == tasks[0].identity


def test_only_train_cases_are_ever_rewarded(tiny_base: BaseModel) -> None:
    suite = rewarded_suite()
    sealed = tuple(replace(case, split="dev") for case in suite.cases)
    task = replace(rewarded_task(tiny_base, GrpoSettings()), chain=())
    scorers = {kind: Judging(kind) for kind in KINDS}
    with pytest.raises(TrainingError, match="needs train cases"):
        chain_of(task, Sources(replace(suite, cases=sealed), Path(), scorers))


SCORERS = """
def right(case, output):
    return float(output.text.strip() == case.expected)


def long(case, output):
    return min(1.0, len(output.text) / 16)
"""


def test_a_suite_is_tuned_through_its_own_scorers_in_their_processes(
    tiny_base: BaseModel, tmp_path: Path
) -> None:
    (tmp_path / "scorers.py").write_text(SCORERS)
    template = '{% message "user" %}answer with one: {{ input.text }}{% endmessage %}'
    (tmp_path / "p.j2").write_text(template)
    words = ("alpha", "beta", "gamma", "delta", "omega", "sigma", "kappa", "theta")
    inputs = [f"{one} {other}" for one in words for other in words][:40]
    rows = [
        {"id": f"c{n}", "input": {"text": text}, "expected": "billing" if n % 2 else "login"}
        for n, text in enumerate(inputs)
    ]
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "suite.yaml").write_text(
        "format: 1\nname: small\ntask: Route.\ncases: {train: train.jsonl}\n"
        "prompts: {p: p.j2}\nprimary: right\ndecoding: {max_tokens: 8}\n"
        "metrics:\n"
        "  right: {scorer: python@1, function: scorers.py:right}\n"
        "  long: {scorer: python@1, function: scorers.py:long}\n"
        "tune:\n  method: grpo\n  rank: 4\n  min_examples: 10\n  learning_rate: 0.03\n"
        "  grpo: {reward: long, held_out: right, steps: 2, prompts: 2, generations: 4}\n"
    )
    suite = load_suite(tmp_path)
    with build_scorers(suite) as scorers:
        record = tune_suite(suite, tiny_base.name, tmp_path / "adapters", scorers=scorers)
    assert record.method == "grpo"
    assert [stage.name for stage in record.stages] == ["sft", "grpo"]
    assert record.stages[1].settings["learning_rate"] == own_of(suite.tune).learning_rate
    assert record.stages[1].measured["reward"] == "long"
    assert record.stages[1].measured["held_out"] == "right"
    assert (record.stages[1].rows, record.stages[1].held_out) == (36, 4)


def test_a_look_sees_what_an_evaluation_of_the_kept_adapter_sees(
    tiny_base: BaseModel, tmp_path: Path
) -> None:
    own = GrpoSettings(reward="long", **{**SOON, "steps": 10})
    record, stage = trained(tiny_base, tmp_path, own)
    suite = rewarded_suite()
    task = rewarded_task(tiny_base, own)
    objective = task.chain[-1].objective
    assert isinstance(objective, PolicyObjective)
    messages = {example.case_id: example.messages for example in task.examples}
    cases = [one.case for one in objective.look.asked]
    model = open_model(tiny_base.name)
    model.use_adapter(record.adapter_path)
    outputs: dict[int, Output] = {}
    for batch in model.plan([Request(messages[case.id]) for case in cases], suite.decoding):
        outputs.update(zip(batch.indices, model.run(batch), strict=True))
    scores = [Judging("long")(case, outputs[n]).value for n, case in enumerate(cases)]
    assert sum(scores) / len(scores) == stage.measured["best_look"]
    assert stage.measured["best_look"] != stage.measured["first_look"]
