"""One tried candidate as the gate sees it, and the best of several."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from evals.stats import BoundedDifference, ScoreInterval
from tuning.gate.evidence import Trial


@dataclass(frozen=True)
class Judged:
    """A trial with its interval (None: no case has a score) and its standing.

    `versus_anchor` is the trial minus the anchor; None without an anchor and for itself.
    """

    trial: Trial
    interval: ScoreInterval | None
    in_window: bool
    versus_anchor: BoundedDifference | None = None
    flat: bool = False
    improved: bool = False

    @property
    def mean(self) -> float:
        """Mean over the scored cases, free of rounding noise; below every score if none."""
        return -1.0 if self.interval is None else round(self.interval.estimate, 12)


def best_of(judged: Iterable[Judged]) -> Judged | None:
    """Highest mean; ties: fewer prompt tokens, then earlier. Only usable, whole trials can lead."""
    usable = [item for item in judged if item.trial.arm.usable and not item.trial.stopped]
    return min(usable, key=lambda item: (-item.mean, item.trial.prompt_tokens), default=None)
