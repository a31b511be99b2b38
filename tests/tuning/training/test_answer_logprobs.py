"""Answers that share their prompt get the log-probabilities and gradients that TRL gives them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

import torch

from evals.suite.policy_settings import GrpoSettings, PolicySettings, RlooSettings
from tests.tuning.training.rewarded import rewarded_task
from tuning.training.adaptations import adaptation_of
from tuning.training.base import BaseModel
from tuning.training.objectives import answer_logprobs, policy_trainer
from tuning.training.objectives.policy import PolicyObjective
from tuning.training.quiet import quietly
from tuning.training.stages import Course
from tuning.training.train import train_adapter

OWN: dict[str, Any] = {
    "reward": "short",
    "sft_epochs": 2.0,
    "steps": 4,
    "prompts": 2,
    "generations": 4,
    "temperature": 0.7,
}


def opened(base: BaseModel, own: PolicySettings, scratch: Path) -> Any:
    """A trainer as it stands before its first step, with weights that are not the base's."""
    stage = rewarded_task(base, own, dropout=0.0).chain[-1]
    assert isinstance(stage.objective, PolicyObjective)
    with quietly():
        model = adaptation_of(stage.settings).open(base, stage.settings, "CAUSAL_LM")
        torch.manual_seed(0)
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.data += 0.05 * torch.randn_like(parameter)
        return stage.objective.open(Course(model, base, stage.settings, scratch, ())).trainer


def batch() -> tuple[Any, Any, int]:
    """Answers to two prompts in a mixed order, of unlike lengths on both sides; one is empty."""
    prompts = [[5, 6, 7, 8], [9, 10], [5, 6, 7, 8], [9, 10]]
    answers = [[11, 12, 2], [13, 2], [14, 15, 16], []]
    both = list(zip(prompts, answers, strict=True))
    ids = [[0] * (4 - len(p)) + p + a + [0] * (3 - len(a)) for p, a in both]
    mask = [[int(token > 0) for token in row] for row in ids]
    return torch.tensor(ids), torch.tensor(mask), 3


@pytest.mark.parametrize("kind", [GrpoSettings, RlooSettings])
def test_log_probabilities_entropies_and_gradients_are_trls(
    tiny_base: BaseModel, tmp_path: Path, kind: type[PolicySettings]
) -> None:
    torch.set_num_threads(1)
    trainer = opened(tiny_base, kind(**OWN), tmp_path)
    ids, mask, kept = batch()
    found = []
    for exact in (False, True):
        trainer.exact = exact
        trainer.model.zero_grad()
        logps, entropies, _ = trainer._get_per_token_logps_and_entropies(
            trainer.model, ids, mask, kept, compute_entropy=True
        )
        held = mask[:, -kept:].bool()
        logps[held].sum().backward()
        gradients = {
            name: parameter.grad.clone()
            for name, parameter in trainer.model.named_parameters()
            if parameter.requires_grad and parameter.grad is not None
        }
        found.append((logps[held].detach(), entropies[held].detach(), gradients))
    (own, own_entropy, own_gradients), (ours, our_entropy, our_gradients) = found
    assert torch.allclose(ours, own, atol=1e-5)
    assert torch.allclose(our_entropy, own_entropy, atol=1e-4)
    assert own_gradients.keys() == our_gradients.keys()
    assert any(gradient.abs().max() > 1e-3 for gradient in own_gradients.values())
    for name, gradient in own_gradients.items():
        assert torch.allclose(our_gradients[name], gradient, atol=1e-4), name


def test_each_prompt_passes_once_for_all_its_answers(
    tiny_base: BaseModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = opened(tiny_base, GrpoSettings(**OWN), tmp_path)
    trainer.exact = True
    passed: list[int] = []
    backbone = trainer.model.get_base_model().model
    original = backbone.forward

    def counted(*args: Any, **kwargs: Any) -> Any:
        passed.append(kwargs["input_ids"].numel())
        return original(*args, **kwargs)

    monkeypatch.setattr(backbone, "forward", counted)
    ids, mask, kept = batch()
    trainer._get_per_token_logps_and_entropies(trainer.model, ids, mask, kept)
    assert passed == [4, 2 * 3, 2, 2 * 2]


def test_where_it_is_not_exact_it_is_trained_the_plain_way(
    tiny_base: BaseModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = answer_logprobs._logits
    monkeypatch.setattr(answer_logprobs, "_logits", lambda *given: original(*given) * 1.05)
    told: list[bool] = []
    looked = policy_trainer.answers_are_exact

    def seen(*args: Any, **kwargs: Any) -> bool:
        told.append(looked(*args, **kwargs))
        return told[-1]

    monkeypatch.setattr(policy_trainer, "answers_are_exact", seen)
    monkeypatch.setattr(policy_trainer, "scored_answers", None)  # would be an error if called
    record = train_adapter(rewarded_task(tiny_base, GrpoSettings(**OWN)), tmp_path)
    assert told == [False]
    assert record.method == "grpo"
