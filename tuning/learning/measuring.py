"""Measuring a learning curve: train on each part, judge each adapter on dev, fit, keep.

Every training and every run is found again where it is stored, so after a kill the same
command does what is missing. Nothing here looks at the sealed split.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple, Protocol

from evals.ledger import Ledger
from evals.models.protocol import AdaptableModel
from evals.prompting import make_candidate
from evals.records import Run
from evals.suite.spec import Suite
from tuning.evaluating import Evaluate
from tuning.learning.fit import Measured, fit_curve, score_of
from tuning.learning.records import LearningCurve, LearningPoint
from tuning.learning.sampling import DEFAULT_SHARES, Part
from tuning.learning.stored import store_curve, subject_of
from tuning.records import TrainingRecord
from tuning.shipping.sealed import tuned_candidate
from tuning.training.tune import tuning_prompt


class Plan(NamedTuple):
    """What is trained: these shares of the examples with so many seeds, the suite's first."""

    shares: tuple[Fraction, ...] = DEFAULT_SHARES
    seeds: int = 1

    def parts(self, suite: Suite) -> list[Part]:
        """The trainings in order: small before large, so that the first tells the time."""
        seeds = range(suite.tune.seed, suite.tune.seed + self.seeds)
        return [Part(share, seed) for seed in seeds for share in sorted(self.shares)]


class Train(Protocol):
    """Trains on a part (or finds what was trained), described to a person by `label`."""

    def __call__(self, part: Part, label: str) -> TrainingRecord:
        """Raise TrainingError where it fails or the adapter is not proven."""
        ...


def measure_curve(
    suite: Suite,
    model: AdaptableModel,
    ledger: Ledger,
    plan: Plan,
    *,
    train: Train,
    evaluate: Evaluate,
    note: Callable[[str], None],
    created: str,
) -> LearningCurve:
    """Measure what the plan says, fit the curve, keep it in the ledger and return it."""
    prompt = tuning_prompt(suite)
    parts = plan.parts(suite)
    note(
        f"{_counted(len(parts), 'training')} and {len(parts) + 1} runs over "
        f"{len(suite.split('dev'))} dev cases; what is stored of them is not made again"
    )
    base = make_candidate(suite, model, prompt)
    untrained = evaluate(suite, base, "dev", f"learning curve: {base.label}, untrained")
    measured: list[Measured] = []
    for number, part in enumerate(parts, 1):
        name = f"learning curve: {part.share} of the examples, seed {part.seed}"
        began = time.perf_counter()
        training = train(part, f"{name}: training")
        tuned = tuned_candidate(suite, model, training)
        run = evaluate(suite, tuned, "dev", f"{name}: dev")
        measured.append(Measured(_point(part, training, run), run))
        if number == 1 and len(parts) > 1:
            note(_time_left(time.perf_counter() - began, len(parts) - 1))
    curve = curve_of(suite, model.name, prompt, untrained=untrained, measured=measured)
    store_curve(ledger, curve, created)
    return curve


def curve_of(
    suite: Suite, model: str, prompt: str, *, untrained: Run, measured: Sequence[Measured]
) -> LearningCurve:
    """The record of what was measured, with its fit."""
    zero = score_of(untrained)
    return LearningCurve(
        suite=suite.name,
        model=model,
        prompt=prompt,
        subject=subject_of(suite),
        model_fingerprint=untrained.candidate.model_fingerprint,
        scoring_fingerprint=untrained.scoring_fingerprint,
        examples=max(item.point.examples for item in measured),
        untrained=untrained.id,
        zero=zero.estimate,
        zero_low=zero.low,
        zero_high=zero.high,
        points=tuple(item.point for item in measured),
        fit=fit_curve(measured),
    )


def _point(part: Part, training: TrainingRecord, run: Run) -> LearningPoint:
    score = score_of(run)
    return LearningPoint(
        examples=training.examples + training.held_out,
        share=float(part.share),
        seed=part.seed or 0,
        run_id=run.id,
        adapter=training.adapter,
        score=score.estimate,
        low=score.low,
        high=score.high,
        cases=len(run.results) - len(run.errors),
        errors=len(run.errors),
        seconds=training.seconds,
    )


def _time_left(first: float, others: int) -> str:
    """A rough time: every training sees about as many examples (`epochs_for`)."""
    minutes = _counted(max(1, round(first * others / 60)), "minute")
    return f"the other {others} take about {minutes} by the first, if none is stored"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
