"""Training: what the lint found, what was trained and how, the loss, and the proofs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from evals.records import Finding
from reports import numbers
from reports.differences import Piece
from reports.effort import training_effort
from reports.excerpts import excerpt
from reports.stages import StageView, stage_views, value_text
from reports.stored import NotRun
from reports.training_curves import CurveView, curve_view
from tuning.data.letting_pass import TOLD_FIRST
from tuning.records import JobRecord, TrainingRecord

MOST_NAMED = 100
NAMED_IN_MESSAGE = 5
PREVIEW_CHARACTERS = 6_000

# How `tuning` marks the tokens that are trained in its decoded preview.
# Where the text was cut inside of such a stretch, it goes to the end.
_TRAINED = re.compile("(\u27e6.*?(?:\u27e7|$))", re.DOTALL)


@dataclass(frozen=True)
class FindingView:
    """A finding of the data lint; `rows` are some of those it is about, `hidden` how many not."""

    level: str
    code: str
    message: str
    where: str
    rows: tuple[str, ...]
    rows_title: str
    hidden: int


@dataclass(frozen=True)
class TrainedView:
    """Everything about the training; texts are ready to show.

    Where there are `stages`, each has its curve, and there is none of the whole.
    """

    facts: tuple[tuple[str, str], ...]
    settings: tuple[tuple[str, str], ...]
    sources: tuple[tuple[str, str], ...]
    findings: tuple[FindingView, ...]
    proofs: tuple[tuple[str, str, bool, str], ...]
    curve: CurveView | None
    stages: tuple[StageView, ...]
    preview: tuple[Piece, ...]
    preview_rest: str


def trained_view(job: JobRecord) -> TrainedView | NotRun:
    """The training record as a page section."""
    if not job.training:
        shut = job.decision is not None and not job.decision.open
        what = "No adapter was trained: the gate is shut" if shut else "No adapter was trained"
        return NotRun(what, f"tunegate tune {job.suite}")
    training = job.training
    stages = stage_views(training.stages)
    preview = excerpt(training.preview, PREVIEW_CHARACTERS)
    return TrainedView(
        facts=_facts(training),
        settings=tuple((name, value_text(value)) for name, value in training.settings.items()),
        sources=tuple((name, numbers.count(n)) for name, n in training.sources.items()),
        findings=tuple(map(_finding, training.findings)),
        proofs=tuple(
            (p.name, "passed" if p.passed else "failed", p.passed, p.evidence)
            for p in training.proofs
        ),
        curve=None if stages else curve_view(training.curve, training.best_step),
        stages=stages,
        preview=_preview(preview.text),
        preview_rest=preview.rest,
    )


def _finding(finding: Finding) -> FindingView:
    """A finding as shown; one whose message names all of its rows lists none."""
    rows = finding.rows if len(finding.rows) > NAMED_IN_MESSAGE else ()
    return FindingView(
        level="let pass" if finding.allowed else finding.level,
        code=finding.code,
        message=finding.message.removeprefix(TOLD_FIRST) if finding.allowed else finding.message,
        where=finding.where,
        rows=rows[:MOST_NAMED],
        rows_title=f"{numbers.count(len(rows))} rows",
        hidden=max(0, len(rows) - MOST_NAMED),
    )


def _facts(training: TrainingRecord) -> tuple[tuple[str, str], ...]:
    share = training.trained_parameters / max(training.total_parameters, 1)
    return (
        ("Base model", training.base),
        ("Method", training.method),
        ("Prompt", training.prompt),
        ("Examples", f"{training.examples:,} trained on, {training.held_out:,} held out"),
        *((("Documents", _documents(training)),) if training.shown.retrieval else ()),
        ("Replay", f"{training.replayed:,} general requests, answered as the base model does"),
        (
            "Trained parameters",
            f"{training.trained_parameters:,} of {training.total_parameters:,} ({share:.1%})",
        ),
        ("Training took", training_effort(training)),
        ("Best step", numbers.count(training.best_step)),
        *((("Beside the weights", ", ".join(training.beside)),) if training.beside else ()),
        *_rewarded(training),
    )


def _rewarded(training: TrainingRecord) -> Iterator[tuple[str, str]]:
    """What a stage that learnt from rewards was rewarded by, and whether they were cheated."""
    for stage in training.stages:
        said = {key: str(value) for key, value in stage.measured.items()}
        if "reward_hacking" not in said:
            continue
        yield "Reward", said["reward"]
        if "base_rate" in said:
            yield "Reward before learning from it", said["base_rate"]
        yield "Answers without a reward", said["unscored"]
        yield "Held-out scorer", said["held_out"] or "none"
        yield "Reward hacking", said["reward_hacking"]


def _documents(training: TrainingRecord) -> str:
    return f"up to {training.shown.documents} retrieved pieces in every example"


def _preview(text: str) -> tuple[Piece, ...]:
    """The preview cut into context and trained stretches (`added`), with their marks."""
    pieces = [
        Piece(part, "added" if index % 2 else "same")
        for index, part in enumerate(_TRAINED.split(text))
    ]
    return tuple(piece for piece in pieces if piece.text)
