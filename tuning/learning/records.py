"""The records of a learning curve: what was measured, and what is made of it.

Stored as JSON by the ledger. Scores lie in [0, 1]; `examples` count the suite's own, those
held out while training included, since they had to be collected too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MOST_EXAMPLES = 1_000_000_000
"""Nobody has more: a curve over more is damaged."""

Shape = Literal["rises", "flat", "falls", "too_few_sizes", "too_few_cases"]


@dataclass(frozen=True)
class LearningPoint:
    """One training on a part of the examples, and its adapter's score on dev (95 % interval).

    `seconds` are those of the training. `cases` have a score, `errors` have none.
    """

    examples: int
    share: float
    seed: int
    run_id: str
    adapter: str
    score: float
    low: float
    high: float
    cases: int
    errors: int
    seconds: float


@dataclass(frozen=True)
class Projection:
    """What both families say of a size, and the interval that holds what either may be.

    `gain` is what such a training has over one on all the examples there are, 0 at those.
    """

    examples: int
    estimate: float
    low: float
    high: float
    power_law: float
    log_linear: float
    gain: float = 0.0
    gain_low: float = 0.0
    gain_high: float = 0.0


@dataclass(frozen=True)
class CurveFit:
    """The curve through the points. `band` goes from the smallest size to four times all.

    It is empty unless the curve rises for certain. `slope` is in score for each doubling, with
    95 % bounds; `noise` the standard deviation between trainings that the intervals allow for;
    `largest` the largest size that was trained.
    """

    shape: Shape
    sentence: str
    band: tuple[Projection, ...] = ()
    slope: float = 0.0
    slope_low: float = 0.0
    slope_high: float = 0.0
    noise: float = 0.0
    largest: int = 0
    resamples: int = 0


@dataclass(frozen=True)
class LearningCurve:
    """Trainings on more and more examples, each judged on dev with the prompt it is asked by.

    `untrained` is the run of the same prompt without an adapter, `zero` its score. `subject` is
    the identity of what was measured: the suite's examples, dev cases, prompt, scoring and how
    it trains; `model_fingerprint` and `scoring_fingerprint` are as in runs.
    """

    suite: str
    model: str
    prompt: str
    subject: str
    model_fingerprint: str
    scoring_fingerprint: str
    examples: int
    untrained: str
    zero: float
    zero_low: float
    zero_high: float
    points: tuple[LearningPoint, ...]
    fit: CurveFit
    format: int = 1
