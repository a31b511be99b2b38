"""Training several times with seeds alone apart, and choosing the one that may ship.

What a seed changes: the order of the examples, the adapter's first weights, dropout, and what a
method draws (answers to learn from, pairs of them). What it leaves: the examples and which of them
are held out, which is drawn by a hash; so one training's held-out loss stands beside another's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, Protocol

from evals.approach import Technique
from evals.suite.spec import TuneSpec
from tuning.learning.sampling import Part
from tuning.records import TrainingRecord

OWN_REWARD = ("rlhf",)
"""Methods whose held-out score is a reward model's of their own: no two are alike."""


class Train(Protocol):
    """Trains with a seed (or finds what was trained), described to a person by a label."""

    def __call__(self, part: Part = ..., label: str = ..., *, leader: Technique) -> TrainingRecord:
        """Raise TrainingError where it fails."""
        ...


class HeldOut(NamedTuple):
    """A training's best look at the held-out part of train; of two, greater goodness is better."""

    value: float
    of: Literal["loss", "score"]

    @property
    def goodness(self) -> float:
        """The score, or the loss with its sign changed."""
        return self.value if self.of == "score" else -self.value


def train_seeds(
    tune: TuneSpec, train: Train, leader: Technique
) -> Iterator[tuple[TrainingRecord, ...]]:
    """Train with `tune.seeds` seeds from `tune.seed` on: all that are trained so far, after each.

    The one that may ship, of those, stands first. A single training is asked for as it always was.
    """
    if tune.seeds == 1:
        yield (train(leader=leader),)
        return
    trained: tuple[TrainingRecord, ...] = ()
    for seed in range(tune.seed, tune.seed + tune.seeds):
        record = train(Part(seed=seed), f"training, seed {seed}", leader=leader)
        trained = chosen_first((*trained, record))
        yield trained


def chosen_first(trainings: Sequence[TrainingRecord]) -> tuple[TrainingRecord, ...]:
    """The training with the best look at the held-out part first, the others by seed.

    Of equal ones that with the lowest seed: so, too, where no look tells one from another.
    """
    by_seed = sorted(trainings, key=seed_of)
    first = max(by_seed, key=_goodness)  # of equal ones the first
    return (first, *(one for one in by_seed if one is not first))


def seed_of(training: TrainingRecord) -> int:
    """What a training was seeded with."""
    return int(training.settings.get("seed", 0))


def best_look(training: TrainingRecord) -> HeldOut | None:
    """What its best step was chosen by: the highest score if it has any, else the lowest loss.

    None of what is measured by each training for itself: a reward that it learnt, centred on what
    its own model answered before, which would be highest where that was worst; and a loss of
    pairs that were drawn of its own answers.
    """
    if training.method in OWN_REWARD:
        return None
    scores = [point.score for point in training.curve if point.score is not None]
    if scores:
        return HeldOut(max(scores), "score")
    if training.settings.get(f"{training.method}.draws"):
        return None
    losses = [point.held_out for point in training.curve if point.held_out is not None]
    return HeldOut(min(losses), "loss") if losses else None


def _goodness(training: TrainingRecord) -> float:
    look = best_look(training)
    return float("-inf") if look is None else look.goodness
