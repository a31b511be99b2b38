"""A scripted model whose adapter gains on `tickets` and forgets the guard `kept`; remedies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evals.errors import TrainingError
from evals.ledger import Ledger
from evals.models.reading import TextLoss
from evals.models.scripted import ScriptedModel, open_scripted
from evals.suite import Suite, load_suite
from tests.sample_suite import ROUNDS, TOPICS
from tests.tunegate.scenes import KNOWN, guarded_suite, pretended_training, write_model
from tests.tuning.test_job import Listener
from tuning.forgetting.remedies import Step
from tuning.job import Job
from tuning.records import Proof, TrainingRecord
from tuning.stored import load_job
from tuning.trainer import Trainer

ADAPTERS = ("tuned", "s0.75", "s0.5", "s0.25", "fewer", "slower", "slowest", "replayed")
BY_STEP = {
    "scale 0.75": "s0.75",
    "scale 0.5": "s0.5",
    "scale 0.25": "s0.25",
    "0.5 epochs": "fewer",
    "rate 0.001": "slower",
    "rate 0.0003": "slowest",
    "replay 0.24": "replayed",
}


def extra(
    tune: str = "remedies: [scale]",
    guards: str = "kept: {max_loss: 0.1}",
    together: str = "none",
) -> str:
    """The policy of `tickets` with something more under `tune:`."""
    return (
        f"{ROUNDS}guards: {{{guards}}}\n"
        f"tune: {{min_examples: 20, epochs: 1, rank: 2, prompt: terse, "
        f"together: {together}, {tune}}}\n"
    )


class ReadingModel(ScriptedModel):
    """A scripted model that also reads texts: each adapter makes them dearer by a fixed rise."""

    rises: Mapping[str, float] = {}
    read = 0

    def read_texts(self, texts: Sequence[str]) -> list[TextLoss | None]:
        self.read += 1
        rise = self.rises.get(self.adapter, 0.0)
        return [
            TextLoss((3.0 + n % 5 / 10 + rise * (1 + (n % 3 - 1) / 10)) * 50, 50)
            for n in range(len(texts))
        ]


@dataclass
class Scene:
    """A folder from which jobs are begun again and again; `made` counts what remedies made."""

    folder: Path
    training: Any = field(default_factory=lambda: pretended_training("tuned"))
    made: list[str] = field(default_factory=list)
    unproven: str = ""
    raising: str = ""

    def job(self, die_at: str = "never", **rises: float) -> Job:
        suite = load_suite(self.folder / "tickets")
        guards: dict[str, Suite] = {"kept": load_suite(self.folder / "kept")}
        model = open_scripted(self.folder / "model.json", "scripted:m")
        if rises:
            model.__class__ = ReadingModel
            model.rises = {name.replace("_", "."): rise for name, rise in rises.items()}  # type: ignore[attr-defined]
        return Job(
            suite=suite,
            guards=guards if suite.guards else {},
            model=model,
            ledger=Ledger(self.folder / "ledger"),
            looks_path=self.folder / "looks.jsonl",
            narrator=Listener(die_at),
        )

    def stored(self) -> Any:
        return load_job(Ledger(self.folder / "ledger"), "tickets", "scripted:m")

    def make_with(self, _trainer: Trainer) -> Callable[[Step, TrainingRecord], TrainingRecord]:
        """Stands for `make_with`: a scripted adapter needs neither scaling nor training."""

        def make(step: Step, training: TrainingRecord) -> TrainingRecord:
            self.made.append(step.what)
            if step.what == self.raising:
                raise TrainingError("the loss is not finite")
            adapter = BY_STEP[step.what]
            proof = Proof("changes the logits", adapter != self.unproven, "0.001")
            scaled = {"scale": step.scale} if step.tune is None else {}
            return replace(
                training,
                adapter=adapter,
                adapter_path=adapter,
                proofs=(proof,),
                settings={**training.settings, **scaled},
                parent=training.adapter if step.tune is None else "",
                seconds=2.0,
            )

        return make


def write_scene(
    folder: Path,
    *,
    forgets: Sequence[str] = ("tuned",),
    blunt: Sequence[str] = (),
    guard_size: int = 120,
    **options: Any,
) -> None:
    """`tickets` and `kept`, and a model on which some adapters forget, and some gain nothing."""
    rules = [{"adapter": name, "contains": "kept ", "reply": "hm"} for name in forgets]
    # What the base does not know of the guard, no adapter does either.
    rules += [
        {"adapter": name, "contains": f"kept {TOPICS['login']}", "reply": "hm"} for name in ADAPTERS
    ]
    rules += [
        {"adapter": name, "contains": text, "reply": topic}
        for name in ADAPTERS
        if name not in blunt
        for topic, text in TOPICS.items()
    ]
    write_model(folder / "model.json", [*rules, *KNOWN], adapters=list(ADAPTERS))
    options.setdefault("extra", extra())
    guarded_suite(folder, guard_size=guard_size, **options)
