"""Training as data: what was trained, on what, how, and what was proven of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from reports.data.measures import LEVEL, Estimate, taken
from reports.data.verdict import Check, check_data
from tuning.learning.records import LearningCurve, LearningPoint, Projection, Shape
from tuning.records import JobRecord, LossPoint, Proof, StageRecord, TrainingRecord
from tuning.sweeping.records import SweepRecord, Trial
from tuning.together.records import Together, TogetherLine

Value = float | int | str | bool


@dataclass(frozen=True)
class Training:
    """What was trained, and what was proven of the result."""

    adapter: Annotated[str, "Fingerprint of the adapter"]
    adapter_path: Annotated[str, "Where it lies, as the job wrote it"]
    parent: Annotated[str | None, "Adapter that training began from; null: none"]
    base: Annotated[str, "The base model"]
    base_fingerprint: Annotated[str, "Fingerprint of its weights"]
    method: Annotated[str, "How it was trained"]
    prompt: Annotated[str, "Name of the prompt that examples were rendered with"]
    template_hash: Annotated[str, "Hash of the chat template"]
    data_fingerprint: Annotated[str, "Fingerprint of the examples"]
    examples: Annotated[int, "Examples trained on"]
    held_out: Annotated[int, "Examples held out to choose the step by"]
    replayed: Annotated[int, "General requests trained on beside them"]
    pieces: Annotated[int, "Retrieved pieces of documents in every example, at most"]
    sources: Annotated[Mapping[str, int], "Examples by who made their answers"]
    settings: Annotated[Mapping[str, Value], "Settings of the trainer, by name"]
    trained_parameters: Annotated[int, "Parameters that were trained"]
    total_parameters: Annotated[int, "Parameters of the model with them"]
    trained_tokens: Annotated[int, "Tokens passed over, padding apart"]
    seconds: Annotated[float, "Wall time with loading and looks, seconds"]
    peak_memory_mb: Annotated[float | None, "Most memory held, MB; null: not known"]
    recomputed: Annotated[bool, "Whether gradient checkpointing was used"]
    best_step: Annotated[int, "The step whose weights these are"]
    ended: Annotated[str | None, "Why no further step was taken; null: not known"]
    curve: Annotated[tuple[CurvePoint, ...], "What was logged; of several stages the last's"]
    stages: Annotated[tuple[Stage, ...], "The stages, where there are several"]
    proofs: Annotated[tuple[ProofData, ...], "Checks of the trained adapter"]
    findings: Annotated[tuple[Check, ...], "What the lint of the data found"]
    preview: Annotated[
        str | None,
        "An example as text, what is trained between \u27e6 and \u27e7; null: left out, or none",
    ]
    sweep: Annotated[Sweep | None, "The search that the settings come of; null: none"]


@dataclass(frozen=True)
class CurvePoint:
    """What was logged at one step."""

    step: Annotated[int, "The step"]
    epoch: Annotated[float, "Passes over the examples until then"]
    loss: Annotated[float | None, "Training loss, nats a token; null: not logged then"]
    held_out: Annotated[float | None, "Held-out loss, nats a token; null: not measured then"]
    score: Annotated[float | None, "Held-out mean score; null: not measured then"]
    reward: Annotated[float | None, "Mean reward of what was written in that step; null: none"]
    unseen: Annotated[float | None, "Mean score by a scorer that training does not see; null: none"]
    least: Annotated[float | None, "Lower bound of score that is held against tune.until"]


@dataclass(frozen=True)
class Stage:
    """One stage of several."""

    name: Annotated[str, "sft, dpo, reward, grpo or rloo"]
    rows: Annotated[int, "Rows learnt from"]
    held_out: Annotated[int, "Rows looked at with"]
    identity: Annotated[str, "Fingerprint of what it rests on"]
    settings: Annotated[Mapping[str, Value], "Its settings, by name"]
    best_step: Annotated[int, "The step that was kept"]
    trained_tokens: Annotated[int, "Tokens passed over"]
    seconds: Annotated[float, "Wall time, seconds"]
    measured: Annotated[Mapping[str, Value], "What its objective says, by name"]
    ended: Annotated[str | None, "Why no further step was taken; null: not known"]
    curve: Annotated[tuple[CurvePoint, ...], "What was logged"]


@dataclass(frozen=True)
class ProofData:
    """One check of the trained adapter."""

    name: Annotated[str, "What is proven"]
    passed: Annotated[bool, "Whether it is"]
    evidence: Annotated[str, "What was measured"]
    learnt: Annotated[bool, "Whether it is about what was learnt, not about files and weights"]


@dataclass(frozen=True)
class Sweep:
    """A search of training settings, on parts of train alone."""

    sentence: Annotated[str, "What was found"]
    changed: Annotated[bool, "Whether other settings than the default were chosen"]
    by: Annotated[Literal["score", "loss"] | None, "What decided; null: nothing could"]
    found: Annotated[Mapping[str, float], "The settings trained with"]
    default: Annotated[Mapping[str, float], "The default ones"]
    best: Annotated[Mapping[str, float], "Those of the best other trial"]
    score: Annotated[Estimate | None, "By how much the best was ahead in mean score; null: none"]
    loss: Annotated[Estimate | None, "By how much its loss was lower, nats a token; null: none"]
    tried: Annotated[int, "Others tried beside the default"]
    possible: Annotated[int, "Settings that could be tried, the default included"]
    learnt: Annotated[int, "Train examples that trials may learn from"]
    judged: Annotated[int, "Other train examples that judge them"]
    groups: Annotated[int, "Independent groups of these"]
    budget: Annotated[int, "Examples that may be seen"]
    planned: Annotated[int, "Examples that were planned to be"]
    seen: Annotated[int, "Examples that were"]
    seed: Annotated[int, "Seed of the search"]
    seconds: Annotated[float, "Wall time, seconds"]
    trials: Annotated[tuple[SweepTrial, ...], "Each training of it"]


@dataclass(frozen=True)
class SweepTrial:
    """One training of a search."""

    learning_rate: Annotated[float, "Its learning rate"]
    rank: Annotated[int | None, "Rank of its weights; null: they have none"]
    epochs: Annotated[float, "Passes over the examples"]
    rung: Annotated[int, "Round of the search, from 1"]
    examples: Annotated[int, "Examples given to it"]
    seen: Annotated[int, "Examples seen, each as often as it was"]
    score: Annotated[Estimate | None, "Mean score on the judging examples; null: none"]
    loss: Annotated[float | None, "Nats a token of the right answers; null: it failed"]
    default: Annotated[bool, "Whether it is the default"]
    went_on: Annotated[bool, "Whether it came into the next rung"]
    failed: Annotated[str | None, "Why it failed; null: it did not"]
    seconds: Annotated[float, "Seconds of training and judging"]


@dataclass(frozen=True)
class TogetherData:
    """The adapter with several prompts on dev."""

    sentence: Annotated[str, "What was chosen, and why"]
    trained: Annotated[str, "Run with the training prompt"]
    chosen: Annotated[str, "Run with the chosen one"]
    stated: Annotated[str | None, "How suite.yaml states the chosen prompt; null: it cannot"]
    prompts: Annotated[tuple[TogetherPrompt, ...], "Each prompt, the training prompt first"]


@dataclass(frozen=True)
class TogetherPrompt:
    """The adapter with one prompt, beside the base model with the same."""

    label: Annotated[str, "The prompt and how it is used"]
    why: Annotated[str, "How it came to be tried"]
    run: Annotated[str | None, "Id of the adapter's run; null: not run"]
    score: Annotated[Estimate | None, "The adapter's mean score; null: not run"]
    cases: Annotated[int, "Cases with a score"]
    errors: Annotated[int, "Cases without one"]
    prompt_tokens: Annotated[float | None, "Tokens of the prompt, mean of a case; null: not known"]
    completion_tokens: Annotated[float, "Tokens of the answer, mean of a case"]
    seconds: Annotated[float | None, "Wall time of a case, mean; null: not measured"]
    base_run: Annotated[str | None, "The base model's run; null: none"]
    base: Annotated[Estimate | None, "The base model's mean score; null: none"]
    tuning: Annotated[Estimate | None, "Adapter minus base with this prompt; null: no base"]
    prompting: Annotated[Estimate | None, "This prompt minus the training prompt; null: the same"]
    usable: Annotated[bool, "Whether errors are few enough to choose it"]
    open: Annotated[bool, "Whether, as dev has it, it could ship"]
    left_out: Annotated[str | None, "Why it was not run; null: it was"]


@dataclass(frozen=True)
class Learning:
    """Trainings on more and more examples, each judged on dev."""

    sentence: Annotated[str, "What the curve says"]
    shape: Annotated[Shape, "Whether it rises for certain"]
    prompt: Annotated[str, "The prompt"]
    examples: Annotated[int, "All the examples there are"]
    untrained: Annotated[Estimate, "Mean score without training"]
    points: Annotated[tuple[LearningPointData, ...], "What was measured"]
    projected: Annotated[
        tuple[ProjectionData, ...], "The curve to four times all examples; empty: nothing claimed"
    ]
    slope: Annotated[Estimate, "Rise of the score for each doubling"]
    noise: Annotated[float, "Standard deviation between trainings that is allowed for"]


@dataclass(frozen=True)
class LearningPointData:
    """One training on a part of the examples."""

    examples: Annotated[int, "Examples trained on, held-out ones included"]
    share: Annotated[float, "The share of all"]
    seed: Annotated[int, "Its seed"]
    run: Annotated[str, "Its run on dev"]
    adapter: Annotated[str, "Fingerprint of its adapter"]
    score: Annotated[Estimate, "Mean score on dev"]
    cases: Annotated[int, "Cases with a score"]
    errors: Annotated[int, "Cases without one"]
    seconds: Annotated[float, "Seconds of the training"]


@dataclass(frozen=True)
class ProjectionData:
    """What the curve says of one size."""

    examples: Annotated[int, "Examples"]
    score: Annotated[Estimate, "Mean score"]
    gain: Annotated[Estimate, "Gain over a training on all the examples there are"]
    power_law: Annotated[float, "Mean score by a saturating power law"]
    log_linear: Annotated[float, "Mean score by a line in the logarithm of size"]


def training_data(training: TrainingRecord) -> Training:
    """One training."""
    return taken(
        Training,
        training,
        pieces=training.shown.documents,
        peak_memory_mb=training.peak_memory_mb or None,
        curve=tuple(map(_point, training.curve)),
        stages=tuple(map(_stage, training.stages)),
        proofs=tuple(map(_proof, training.proofs)),
        findings=tuple(map(check_data, training.findings)),
        sweep=_sweep(training.sweep) if training.sweep else None,
    )


def _point(point: LossPoint) -> CurvePoint:
    return taken(CurvePoint, point)


def _stage(stage: StageRecord) -> Stage:
    return taken(Stage, stage, curve=tuple(map(_point, stage.curve)))


def _proof(proof: Proof) -> ProofData:
    return taken(ProofData, proof)


def _sweep(sweep: SweepRecord) -> Sweep:
    return taken(Sweep, sweep, trials=tuple(map(_trial, sweep.trials)))


def _trial(trial: Trial) -> SweepTrial:
    score = None
    if trial.score is not None:
        score = Estimate(trial.score, trial.low, trial.high, LEVEL, "two")
    return taken(SweepTrial, trial, rank=trial.rank or None, score=score)


def together_data(job: JobRecord) -> TogetherData | None:
    """The adapter with several prompts; None where it was asked with one."""
    found: Together | None = job.together
    if found is None:
        return None
    return taken(TogetherData, found, prompts=tuple(map(_together, found.lines)))


def _together(line: TogetherLine) -> TogetherPrompt:
    return taken(TogetherPrompt, line, run=line.run_id or None)


def learning_data(job: JobRecord) -> Learning | None:
    """The learning curve; None where none was measured."""
    curve = job.learning
    if curve is None or not curve.points:
        return None
    fit = curve.fit
    return taken(
        Learning,
        curve,
        sentence=fit.sentence,
        shape=fit.shape,
        untrained=Estimate(curve.zero, curve.zero_low, curve.zero_high, LEVEL, "two"),
        points=tuple(map(_learnt, _in_order(curve))),
        projected=tuple(map(_projected, fit.band)),
        slope=Estimate(fit.slope, fit.slope_low, fit.slope_high, LEVEL, "two"),
        noise=fit.noise,
    )


def _in_order(curve: LearningCurve) -> list[LearningPoint]:
    return sorted(curve.points, key=lambda point: (point.examples, point.seed))


def _learnt(point: LearningPoint) -> LearningPointData:
    score = Estimate(point.score, point.low, point.high, LEVEL, "two")
    return taken(LearningPointData, point, run=point.run_id, score=score)


def _projected(at: Projection) -> ProjectionData:
    return taken(
        ProjectionData,
        at,
        score=Estimate(at.estimate, at.low, at.high, LEVEL, "two"),
        gain=Estimate(at.gain, at.gain_low, at.gain_high, LEVEL, "two"),
    )
