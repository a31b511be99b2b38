"""Training on a job's suite and model: what the job has open, handed to the training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from evals.approach import PLAIN, Technique
from evals.asking import Asker
from evals.generating import Progress
from evals.ledger import Ledger
from evals.models.protocol import AdaptableModel
from evals.records import Candidate, Case, Run
from evals.runner import Runner
from evals.scorers import build_scorers
from evals.scorers.protocol import Scorer
from evals.suite.spec import Suite
from tuning.data.accepting import accepted_by
from tuning.data.dataset import Example, carried
from tuning.data.drawn_pairs import Asked, DrawnPairs, draw_pairs
from tuning.data.replay import replay_of
from tuning.learning.sampling import WHOLE, Part
from tuning.narrator import Narrator
from tuning.records import TrainingRecord
from tuning.training.tune import tune_suite


class OpenRunner(Protocol):
    """Makes what runs candidates with scorers that are open."""

    def __call__(
        self, suite: Suite, scorers: Mapping[str, Scorer], progress: Progress, /
    ) -> Runner:
        """A runner whose progress is told to `progress`."""
        ...


@dataclass(frozen=True)
class Trainer:
    """Trains adapters of `suite` on `model`, under the ledger's folder.

    No general example is trained on that reads like a case of the suite or of its `guards`.
    `begin_from` is the folder of an adapter to begin from; None: the base.
    """

    suite: Suite
    guards: Mapping[str, Suite]
    model: AdaptableModel
    ledger: Ledger
    narrator: Narrator
    asker: Asker | None
    open_runner: OpenRunner
    begin_from: Path | None = None

    def train(
        self, part: Part = WHOLE, label: str = "training", *, leader: Technique = PLAIN
    ) -> TrainingRecord:
        """Train, or find what was trained; only answers the suite's scorer accepts count.

        The examples show the documents that the adapter will be asked with.
        """
        self.model.use_adapter(None)
        root = self.ledger.folder / "adapters"
        with (
            build_scorers(self.suite, self.asker) as scorers,
            self.narrator.progress(label) as progress,
        ):
            return tune_suite(
                self.suite,
                self.model.name,
                root,
                accepts=accepted_by(scorers[self.suite.primary], self.suite.split("train")),
                replay=self.replay,
                progress=lambda step, total, _loss: progress(step, total),
                part=part,
                technique=carried(leader, self.suite.tune),
                scorers=scorers,
                draw=partial(self._draw_pairs, scorers, progress),
                **({"begin_from": self.begin_from} if self.begin_from else {}),
            )

    def replay(self, count: int) -> tuple[Example, ...]:
        """About so many general examples, answered by the model without an adapter."""
        judged = [case for suite in (self.suite, *self.guards.values()) for case in suite.cases]
        return replay_of(self.model, judged, self.ledger.folder / "replay")(count)

    def _draw_pairs(
        self, scorers: Mapping[str, Scorer], progress: Progress, asked: Asked
    ) -> DrawnPairs:
        """Pairs of answers to train cases; what was answered before is not asked again."""
        runner = self.open_runner(self.suite, scorers, progress)

        def draw(candidate: Candidate, cases: Sequence[Case]) -> Run:
            return runner.run(self.suite, candidate, "train", cases=cases, keep=False)

        try:
            return draw_pairs(self.suite, self.model, asked, draw)
        finally:
            self.model.use_adapter(None)
