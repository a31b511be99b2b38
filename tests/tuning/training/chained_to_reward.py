"""A tiny task of the RLHF chain, for tests; and as a program, one that is killed at a moment."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from evals.suite.rlhf_settings import RlhfSettings
from evals.suite.spec import PromptSpec
from tests.tuning.conftest import tickets, tiny_settings
from tests.tuning.training.rewarded import KINDS, Judging, rewarded_suite
from tuning.data.drawn_pairs import Asked, DrawnPairs
from tuning.data.pairs import Pair
from tuning.training.base import BaseModel, open_base
from tuning.training.methods import DrawWith, Sources, chain_of
from tuning.training.task import Task
from tuning.training.train import train_adapter

TEMPLATE = '{% message "user" %}{{ input.text }}{% endmessage %}'
# The tiny model is never sure of anything: at a lower temperature it learns sooner.
QUICK: dict[str, Any] = {
    "sft_epochs": 4.0,
    "min_pairs": 4,
    "reward_rate": 2e-2,
    "reward_epochs": 4.0,
    "steps": 8,
    "prompts": 2,
    "generations": 4,
    "temperature": 0.5,
    "learning_rate": 5e-3,
}


def prefers(better: Callable[[int], str], worse: Callable[[int], str]) -> DrawWith:
    """Pairs as if the model had drawn them, by the number of the ticket; they need its weights."""

    def draw(asked: Asked) -> DrawnPairs:
        assert asked.adapter is not None
        assert (asked.adapter / "adapter_model.safetensors").is_file()
        pairs = tuple(
            Pair(
                e.case_id,
                e.messages,
                better(n),
                worse(n),
                e.group,
                source="drawn tiny",
                by="rule",
                scores=(1.0, 0.0),
            )
            for n, e in enumerate(tickets(40))
            if e.case_id in asked.among
        )
        return DrawnPairs(pairs, 120, 60)

    return draw


# "login" is right of every other ticket only: who learns to be preferred unlearns the others.
login = prefers(lambda n: "login", lambda n: "billing")


def rlhf_task(base: BaseModel, root: Path, draw: DrawWith = login, **own: Any) -> Task:
    """A task of three stages; its reward model lies under `root`."""
    made = RlhfSettings(**{**QUICK, **own})
    settings = tiny_settings(held_out_share=0.4, method="rlhf", own=made)
    task = Task("tickets", "terse", base, tickets(40), settings)
    scorers = {kind: Judging(kind) for kind in KINDS}
    prompt = PromptSpec("terse", Path("p.j2"), TEMPLATE)
    suite = replace(rewarded_suite(), prompts={"terse": prompt})
    return replace(task, chain=chain_of(task, Sources(suite, root, scorers, None, draw)))


def main(model: str, root: str, moment: str, number: str) -> None:
    """Train, and die by SIGKILL where answers are drawn, or once so many steps were told."""
    import torch

    torch.set_num_threads(1)
    told: list[int] = []

    def draw(asked: Asked) -> DrawnPairs:
        if moment == "drawing":
            os.kill(os.getpid(), signal.SIGKILL)
        return login(asked)

    def progress(step: int, total: int, loss: float | None) -> None:
        told.append(step)
        if moment == "step" and len(told) == int(number):
            os.kill(os.getpid(), signal.SIGKILL)

    task = rlhf_task(open_base(f"hf:{model}"), Path(root), draw)
    train_adapter(task, Path(root), progress)


if __name__ == "__main__":
    main(*sys.argv[1:])
