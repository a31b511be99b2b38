"""A guarded suite, and adapters of several seeds that are good, useless, or forgetful."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evals.approach import PLAIN, Technique
from evals.ledger import Ledger
from evals.models.scripted import open_scripted
from evals.suite import Suite, load_suite
from tests.sample_suite import ROUNDS, TOPICS
from tests.tunegate.scenes import KNOWN, TUNE, guarded_suite, pretended_training, write_model
from tests.tuning.listening import Listener
from tuning.adapters.registry import AdapterRecord
from tuning.job import Job
from tuning.learning.sampling import WHOLE, Part
from tuning.records import LossPoint, TrainingRecord

GOOD = tuple({"contains": topic, "reply": name} for name, topic in TOPICS.items())
USELESS: tuple[dict[str, str], ...] = ()
FORGETFUL = ({"contains": "kept ", "reply": "nonsense"}, *GOOD)


@dataclass
class Bench:
    """A folder in which jobs with several seeds begin; adapter N is that of seed N."""

    folder: Path
    seeds: int = 3
    cards: list[AdapterRecord] = field(default_factory=list)
    asked: list[Part] = field(default_factory=list)

    def write(self, adapters: Mapping[int, Any], losses: Mapping[int, float]) -> None:
        """The suite, and a model whose adapters answer by these rules."""
        tune = TUNE.replace("epochs: 1", f"epochs: 1, seeds: {self.seeds}")
        guarded_suite(self.folder, extra=ROUNDS + tune + "guards: {kept: {max_loss: 0.1}}\n")
        self.write_adapters(adapters)
        self.losses = losses

    def write_adapters(self, adapters: Mapping[int, Any]) -> None:
        rules = [
            {"adapter": f"tuned-{seed}", **rule} for seed, own in adapters.items() for rule in own
        ]
        names = [f"tuned-{seed}" for seed in adapters]
        write_model(self.folder / "model.json", [*rules, *KNOWN], adapters=names)

    def train(
        self,
        suite: Suite,
        model: str,
        root: Path,
        *,
        part: Part = WHOLE,
        technique: Technique = PLAIN,
        **more: Any,
    ) -> TrainingRecord:
        """Stands for `tune_suite`."""
        self.asked.append(part)
        seed = suite.tune.seed if part.seed is None else part.seed
        name = f"tuned-{seed}"
        record = pretended_training(name)(suite, model, root, technique=technique)
        curve = (LossPoint(1, 1.0, 2.0), LossPoint(1, 1.0, None, self.losses[seed]))
        return replace(record, settings={"rank": 2, "seed": seed}, curve=curve)

    def job(self, die_at: str = "never", seeds: int | None = None) -> Job:
        suite = load_suite(self.folder / "tickets")
        if seeds is not None:
            suite = replace(suite, tune=replace(suite.tune, seeds=seeds))
        return Job(
            suite=suite,
            guards={"kept": load_suite(self.folder / "kept")},
            model=open_scripted(self.folder / "model.json", "scripted:m"),
            ledger=Ledger(self.folder / "ledger"),
            looks_path=self.folder / "looks.jsonl",
            narrator=Listener(die_at),
            write_card=self.cards.append,
        )
