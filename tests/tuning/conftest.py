from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evals.records import Message
from evals.suite.preference_settings import DpoSettings
from tests.tiny_model import make_tiny_model
from tuning.data.dataset import Example
from tuning.data.pairs import Pair
from tuning.records import TrainingRecord
from tuning.training.base import BaseModel, open_base
from tuning.training.objectives.preferences import PreferenceObjective
from tuning.training.objectives.sft import CompletionObjective
from tuning.training.quiet import quietly
from tuning.training.settings import TrainSettings
from tuning.training.stages import Stage
from tuning.training.task import Task
from tuning.training.train import train_adapter

MakeTask = Callable[..., Task]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    """Sums are rounded by how they are split: weights are compared on one thread."""
    import torch

    torch.set_num_threads(1)


def tickets(count: int, answer: Callable[[int], str] | None = None) -> tuple[Example, ...]:
    """Examples with prompts of several lengths and two answers."""
    choose = answer or (lambda n: "billing" if n % 2 else "login")
    return tuple(
        Example(
            f"case-{n}",
            (Message("system", "answer with one"), Message("user", f"{n} {'please ' * (n % 5)}")),
            choose(n),
            f"case-{n}",
        )
        for n in range(count)
    )


def tiny_settings(**changes: object) -> TrainSettings:
    """A dozen quick steps with three looks; dropout, so that generators matter."""
    return TrainSettings(
        **{
            "epochs": 2.0,
            "batch": 6,
            "micro_batch": 3,
            "learning_rate": 3e-2,
            "evaluations": 3,
            "dropout": 0.1,
            "rank": 4,
            "alpha": 8,
        }
        | changes  # type: ignore[arg-type]
    )


def chained(task: Task) -> Task:
    """The task in two stages: one pass as it is, then other answers, looked at by a score."""
    contrary = tickets(40, lambda n: "other" if n % 3 else "billing")
    settings = replace(task.settings, learning_rate=1e-2, seed=5)
    second = Stage("second", CompletionObjective(contrary), settings, look=LikesGreatWeights())
    return replace(task, chain=(task.fine_tuning(epochs=1.0), second))


def preferences(count: int) -> tuple[Pair, ...]:
    """Pairs that prefer "login" to "billing" in tickets that are said to be of either."""
    return tuple(
        Pair(
            e.case_id,
            e.messages,
            "login" if n % 3 else "reset link",
            "billing",
            e.group,
            f"pairs.jsonl:{n + 1}",
            by="rule",
        )
        for n, e in enumerate(tickets(count))
    )


def preferring(task: Task, **own: object) -> Task:
    """The task by DPO: one pass of fine-tuning, then fixed pairs."""
    settings = replace(task.settings, learning_rate=5e-3, seed=5, method="dpo")
    changes: dict[str, Any] = {"min_pairs": 4, "draws": 0} | own
    objective = PreferenceObjective(preferences(40), DpoSettings(**changes))
    return replace(task, chain=(task.fine_tuning(epochs=1.0), Stage("dpo", objective, settings)))


class LikesGreatWeights:
    """A look that scores weights by how large they are; deterministic, and of weights alone."""

    def fingerprint(self) -> str:
        return "great weights"

    def __call__(self, model: Any) -> float:
        return float(sum(p.sum() for p in model.parameters() if p.requires_grad).sigmoid())


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> BaseModel:
    with quietly():
        folder = make_tiny_model(tmp_path_factory.mktemp("tiny") / "model")
    return open_base(f"hf:{folder}")


@pytest.fixture(scope="session")
def make_task(tiny_base: BaseModel) -> MakeTask:
    def make(examples: tuple[Example, ...] = tickets(40), **changes: object) -> Task:
        return Task("tickets", "terse", tiny_base, examples, tiny_settings(**changes))

    return make


@pytest.fixture(scope="session")
def finished(
    make_task: MakeTask, tmp_path_factory: pytest.TempPathFactory
) -> tuple[TrainingRecord, Path]:
    """One uninterrupted training, and the folder it was written under.

    It is made before any fixture of a module, so it sees to its one thread itself.
    """
    import torch

    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("trained")
    return train_adapter(make_task(), root), root
