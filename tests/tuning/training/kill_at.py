"""Train and die by SIGKILL at a chosen moment. Run as a program by the tests."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import tuning.training.train
import tuning.training.watch
import tuning.training.weights
from tests.tuning.conftest import chained, preferring, tickets, tiny_settings
from tuning.training.base import open_base
from tuning.training.task import Task


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(
    model: str, root: str, moment: str, number: str, stages: str = "one", changes: str = "{}"
) -> None:
    import torch

    torch.set_num_threads(1)  # as in the tests that compare the weights
    count = 0

    def dying_on(call: Any) -> Any:
        def counted(*args: Any) -> Any:
            nonlocal count
            count += 1
            return die() if count == int(number) else call(*args)

        return counted

    if moment == "sealing a checkpoint":  # its files are there, its mark is not
        tuning.training.watch.seal = dying_on(tuning.training.watch.seal)
    elif moment == "sealing the best weights":
        tuning.training.weights.seal = dying_on(tuning.training.weights.seal)
    elif moment == "publishing":
        tuning.training.train.publish = dying_on(tuning.training.train.publish)
    settings = tiny_settings(**json.loads(changes))
    task = Task("tickets", "terse", open_base(f"hf:{model}"), tickets(40), settings)
    if stages == "chain":
        task = chained(task)
    elif stages == "dpo":
        task = preferring(task)

    told: list[int] = []

    def progress(step: int, total: int, loss: float | None) -> None:
        told.append(step)  # steps are counted anew in each stage
        if moment == "step" and len(told) == int(number):
            die()

    tuning.training.train.train_adapter(task, Path(root), progress)


if __name__ == "__main__":
    main(*sys.argv[1:])
