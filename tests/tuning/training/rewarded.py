"""A tiny task of reinforcement learning, for tests; and as a program, training that is killed."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from evals.errors import ScorerError
from evals.records import Case, Decoding, Output, Score
from evals.scorers.protocol import Scorer
from evals.suite.policy_settings import GrpoSettings, PolicySettings, RlooSettings
from evals.suite.spec import MetricSpec, Suite
from tests.tuning.conftest import tickets, tiny_settings
from tuning.training.base import BaseModel, open_base
from tuning.training.methods import Sources, chain_of
from tuning.training.task import Task
from tuning.training.train import train_adapter


@dataclass(frozen=True)
class Judging:
    """A scorer by name: what it rewards stands in `__call__`."""

    kind: str

    def __call__(self, case: Case, output: Output) -> Score:
        text = output.text or ""
        if self.kind == "right":
            return Score(float(text.strip() == case.expected))
        if self.kind == "long":  # it can be cheated: any text that is long enough will do
            return Score(min(1.0, len(text) / 16))
        if self.kind == "fails at times" and case.id.endswith("1"):
            raise ScorerError("it cannot be said", path="scorers.py")
        if self.kind == "broken":
            raise ScorerError("it is broken", path="scorers.py")
        if self.kind == "short":
            return Score(float(len(text) < 7))
        if self.kind == "plain":
            return Score(float(len(text) < 9))
        return Score(float("billing" in text))

    def close(self) -> None:
        """Nothing to release."""


KINDS = ("right", "long", "short", "plain", "billing", "fails at times", "broken")


def rewarded_suite() -> Suite:
    """40 train cases of two answers, with every scorer as a metric."""
    cases = tuple(
        Case(e.case_id, {"text": e.messages[-1].content}, e.answer, e.answer, "train")
        for e in tickets(40)
    )
    metrics = {kind: MetricSpec(kind, "python@1", {}) for kind in KINDS}
    decoding = Decoding(max_tokens=8, stop=("\n",))
    return Suite("tickets", "Route.", Path(), cases, {}, metrics, "right", decoding=decoding)


def rewarded_task(base: BaseModel, own: PolicySettings, **changes: object) -> Task:
    """A task whose chain is that of the method of `own`."""
    method = "grpo" if isinstance(own, GrpoSettings) else "rloo"
    settings = tiny_settings(held_out_share=0.4, method=method, own=own, **changes)
    task = Task("tickets", "terse", base, tickets(40), settings)
    scorers: Mapping[str, Scorer] = {kind: Judging(kind) for kind in KINDS}
    return replace(task, chain=chain_of(task, Sources(rewarded_suite(), Path(), scorers)))


def killed_settings(method: str = "grpo") -> PolicySettings:
    """Eight steps with looks at every other one, held against where they began."""
    kind = RlooSettings if method == "rloo" else GrpoSettings
    return kind(
        reward="long",
        held_out="right",
        sft_epochs=2.0,
        steps=8,
        prompts=2,
        generations=4,
        learning_rate=5e-3,
    )


def main(model: str, root: str, steps: str, method: str) -> None:
    """Train, and die by SIGKILL once so many steps were told, over both stages."""
    import torch

    torch.set_num_threads(1)
    told: list[int] = []

    def progress(step: int, total: int, loss: float | None) -> None:
        told.append(step)
        if len(told) == int(steps):
            os.kill(os.getpid(), signal.SIGKILL)

    task = rewarded_task(open_base(f"hf:{model}"), killed_settings(method))
    train_adapter(task, Path(root), progress)


if __name__ == "__main__":
    main(*sys.argv[1:])
