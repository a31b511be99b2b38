"""Train a reward model and die by SIGKILL at a chosen moment. Run as a program by the tests."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import tuning.training.reward_model
import tuning.training.watch
from tests.tuning.conftest import preferences, tiny_settings
from tuning.training.base import BaseModel, open_base
from tuning.training.loss_curve import Progress
from tuning.training.reward_model import RewardModelRecord, reward_settings, train_reward_model


def made(base: BaseModel, root: Path, progress: Progress | None = None) -> RewardModelRecord:
    settings = reward_settings(tiny_settings(), learning_rate=2e-2, epochs=2.0)
    return train_reward_model(base, preferences(40), settings, root, progress)


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(model: str, root: str, moment: str, number: str) -> None:
    import torch

    torch.set_num_threads(1)  # as in the tests that compare the weights
    count = 0

    def counted() -> bool:
        nonlocal count
        count += 1
        return count == int(number)

    if moment == "sealing":
        seal = tuning.training.watch.seal

        def dying(folder: Path, step: int, notes: Any) -> None:
            if counted():
                die()
            seal(folder, step, notes)

        tuning.training.watch.seal = dying
    elif moment == "publishing":
        tuning.training.reward_model.publish = die

    def progress(step: int, total: int, loss: float | None) -> None:
        if moment == "step" and counted():
            die()

    made(open_base(f"hf:{model}"), Path(root), progress)


if __name__ == "__main__":
    main(*sys.argv[1:])
