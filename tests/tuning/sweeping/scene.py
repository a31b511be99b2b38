"""A search of settings on a tiny model; and as a program, one that is killed."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evals.generating import Progress
from evals.ledger import Ledger
from evals.models import open_model
from evals.records import Candidate, Case, Run, SplitName
from evals.runner import Runner
from evals.scorers import build_scorers
from evals.suite import Suite, load_suite
from tests.sample_suite import write_suite
from tuning.records import TrainingRecord
from tuning.sweeping.searching import SearchingTrainer
from tuning.trainer import Trainer

SWEEP = "{learning_rate: [0.0001, 0.03, 0.000001, 0.00001], budget: 2000, seed: 3}"
TUNE = "prompt: terse, min_examples: 20, epochs: 1, replay: 0"
SIZES = {"train": 200, "dev": 9, "test": 9}


@dataclass
class Told:
    """Hears what is done, step by step, and dies by SIGKILL where it is told to."""

    die_at: tuple[str, int] = ("never", 0)
    labels: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    steps: int = 0

    @contextmanager
    def progress(self, label: str) -> Iterator[Progress]:
        self.labels.append(label)
        self._count("label", len(self.labels))
        yield self._step

    def note(self, text: str) -> None:
        self.notes.append(text)

    def _step(self, _done: int, _total: int) -> None:
        self.steps += 1
        self._count("step", self.steps)

    def _count(self, what: str, count: int) -> None:
        if self.die_at == (what, count):
            os.kill(os.getpid(), signal.SIGKILL)


def sweeping_suite(
    folder: Path,
    *,
    sweep: str = SWEEP,
    more: str = "learning_rate: 0.0001, rank: 2",
    **options: Any,
) -> Suite:
    """The sample suite with a search of settings; made once, loaded every time."""
    if not folder.exists():
        extra = f"tune: {{{TUNE}, {more}, sweep: {sweep}}}\n"
        write_suite(folder, extra=extra, **{"sizes": SIZES} | options)
    return load_suite(folder)


def searching(model: str, suite: Suite, ledger: Path, told: Told) -> SearchingTrainer:
    """What a job would search and train with."""
    opened, kept = open_model(model), Ledger(ledger)

    def runner(of: Suite, scorers: Any, progress: Progress) -> Runner:
        return Runner(opened, scorers, kept, progress)

    def evaluate(
        of: Suite,
        candidate: Candidate,
        split: SplitName,
        label: str,
        *,
        cases: Sequence[Case] | None = None,
        keep: bool = True,
    ) -> Run:
        with build_scorers(of) as scorers, told.progress(label) as progress:
            return runner(of, scorers, progress).run(of, candidate, split, cases=cases, keep=keep)

    return SearchingTrainer(Trainer(suite, {}, opened, kept, told, None, runner), evaluate)


def train(model: str, folder: Path, told: Told, **options: Any) -> TrainingRecord:
    """Search and train in a folder, or find what was done there."""
    suite = sweeping_suite(folder / "tickets", **options)
    return searching(model, suite, folder / "ledger", told).train()


def main(model: str, folder: str, what: str, count: str) -> None:
    import torch

    torch.set_num_threads(1)
    train(model, Path(folder), Told((what, int(count))))


if __name__ == "__main__":
    main(*sys.argv[1:])
