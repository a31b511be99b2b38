"""A small suite that is searched by a scripted model, and a search that stands for a real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evals.approach import Approach, Found
from evals.ledger import Ledger
from evals.models.scripted import ScriptedModel, open_scripted
from evals.prompting import make_candidate
from evals.runner import Progress
from evals.suite import Suite, load_suite
from tests.sample_suite import write_suite
from tests.tunegate.scenes import TUNE, write_model
from tuning.job import Job
from tuning.records import Decision
from tuning.stored import decide_stored

SIZES = {"train": 30, "dev": 60, "test": 30}
ROUNDS = """\
rounds:
  - {family: wording, prompts: [terse, spec, polite]}
  - {family: few_shot, prompts: [terse, spec], k: [2]}
  - {family: nearest, prompts: [terse, spec], k: [2]}
"""


class DiedError(Exception):
    """Stands for a process that dies at a point."""


@dataclass
class Listener:
    """Hears what the job does, and dies where it is told to."""

    die_at: str = "never"
    labels: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @contextmanager
    def progress(self, label: str) -> Iterator[Progress]:
        self.labels.append(label)
        if label == self.die_at:
            raise DiedError(label)
        yield lambda _done, _total: None

    def note(self, text: str) -> None:
        self.notes.append(text)


@dataclass
class Scene:
    """A suite with the rounds it states, in a folder."""

    folder: Path

    def write(self, rounds: str = ROUNDS) -> None:
        write_suite(self.folder / "tickets", sizes=SIZES, extra=rounds + TUNE)
        write_model(self.folder / "model.json", batch_size=8)

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / "tickets" / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    @property
    def suite(self) -> Suite:
        return load_suite(self.folder / "tickets")

    @property
    def model(self) -> ScriptedModel:
        return open_scripted(self.folder / "model.json", "scripted:m")

    def job(self, die_at: str = "never") -> Any:
        return Job(
            suite=self.suite,
            guards={},
            model=self.model,
            ledger=Ledger(self.folder / "ledger"),
            looks_path=self.folder / "looks.jsonl",
            narrator=Listener(die_at),
        )

    def search(self) -> tuple[Decision, Any]:
        job = self.job()
        record = job.run(tune=False)
        assert record.decision is not None
        return record.decision, job

    def gate(self) -> Decision:
        return decide_stored(self.suite, Ledger(self.folder / "ledger"), "scripted:m")

    def forget(self) -> None:
        """Begin with an empty ledger."""
        (self.folder / "ledger").rename(self.folder / f"old-{len(list(self.folder.iterdir()))}")


def writing_optimiser(searches: list[str], tried: int = 10) -> Callable[..., Found]:
    """Stands for `optimise_prompt`: tries the prompt on a few train cases, and words it anew."""

    def optimise(
        suite: Suite,
        model: ScriptedModel,
        prompt: str,
        approach: Approach,
        *,
        evaluate: Any,
        **_: Any,
    ) -> Found:
        searches.append(f"{prompt}{approach.label}")
        for first in (0, tried):
            cases = suite.split("train")[first : first + tried]
            candidate = make_candidate(suite, model, prompt)
            label = f"search: {prompt}: {first}"
            evaluate(suite, candidate, "train", label, cases=cases, keep=False)
        source = suite.prompts[prompt].source.replace("oute.", "oute it well.")
        return Found(origin="", template=source)

    return optimise
