"""The records of a search of training settings. Stored as JSON by the ledger; nothing computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tuning.intervals import Interval

By = Literal["score", "loss", ""]


@dataclass(frozen=True)
class Trial:
    """One training of the search, and what its adapter came to on the cases that judge.

    `rank` is 0 where the weights have none. `rung` counts from 1; `examples` were given to it,
    those it held out to stop by included, `seen` is how many its steps saw, each as often as it
    saw it. `score` is the mean of the primary metric with its 95 % interval (None: nothing that
    is judged has a scorer), `loss` nats per token of the right answers (None where the training
    failed, as `failed` says). `seconds` are of training and judging.
    """

    learning_rate: float
    rank: int
    epochs: float
    rung: int
    examples: int
    seen: int
    seconds: float
    score: float | None = None
    low: float | None = None
    high: float | None = None
    loss: float | None = None
    failed: str = ""
    default: bool = False
    went_on: bool = False


@dataclass(frozen=True)
class StoredTrial:
    """A trial with what each judging case came to, in their order: scores, and mean losses."""

    trial: Trial
    scores: tuple[float, ...] = ()
    losses: tuple[float, ...] = ()
    format: int = 1


@dataclass(frozen=True)
class SweepRecord:
    """A search of settings: what was tried, on what, and what was found.

    `found` are the settings trained with in the end, the `default` ones where `changed` is
    false; `best` are those of the best other trial, which were held against the default.
    `by` is what decided; `score` and `loss` are by how much the best was ahead, paired, more
    being better in both (of a loss, by how much it was lower), at a level that is corrected for
    all that were tried. `budget`, `planned` and `seen` count examples seen; `learnt` is how
    many examples the trials may learn from, `judged` how many others judge them, in `groups`.
    """

    found: Mapping[str, float]
    default: Mapping[str, float]
    best: Mapping[str, float]
    changed: bool
    by: By
    sentence: str
    budget: int
    planned: int
    seen: int
    seed: int
    tried: int
    possible: int
    learnt: int
    judged: int
    groups: int
    seconds: float
    score: Interval | None = None
    loss: Interval | None = None
    trials: tuple[Trial, ...] = field(default_factory=tuple)
    format: int = 1
