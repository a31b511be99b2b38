"""Training an adapter: from a task to a folder that proves itself whole.

    <root>/<identity>/        adapter_model.safetensors, adapter_config.json
        training.json         the TrainingRecord
        adapter.json          the manifest, written last: its presence proves the rest
        scratch/              checkpoints while training; gone afterwards
    <root>/<identity>.lock    held by the one process that may train it

`identity` is a hash of all that determines the weights, so the same training is never
done twice, and one that was killed goes on from its last whole checkpoint.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from evals.atomic import write_atomically
from evals.codec import decode, encode
from evals.errors import TrainingError
from evals.locks import only_one
from tuning.data.dataset import Example, Parts, count_sources, encode_examples
from tuning.data.preview import preview_text
from tuning.records import Proof, StageRecord, TrainingRecord
from tuning.training.adaptations import adaptation_of
from tuning.training.adapters import is_finished, write_manifest
from tuning.training.beside import copy_beside
from tuning.training.fitting import Trained, fit_stages
from tuning.training.loss_curve import Progress, loss_curve
from tuning.training.quiet import quietly
from tuning.training.stages import Adaptation, Fitted, Proving, Stage
from tuning.training.task import Task
from tuning.training.weights import publish

RECORD = "training.json"
_SCRATCH = "scratch"
_PREVIEWED = 3


def train_adapter(task: Task, root: Path, progress: Progress | None = None) -> TrainingRecord:
    """Train an adapter (or find it finished), prove it, and return its record.

    `progress` gets (step, total steps, loss in nats per token), anew for each stage. A run that
    was killed goes on where it stopped and ends with the same weights. Raises TrainingError for
    a loss that is not finite or too few examples, MissingExtraError where `[tune]` is not
    installed, UsageError where another process is training the same adapter.
    """
    folder = root / task.identity
    if (finished := finished_record(folder)) is not None:
        return finished
    folder.mkdir(parents=True, exist_ok=True)
    busy = f"another process is training the same adapter, {folder}"
    hint = "wait for it; the same command then finds what it trained"
    with only_one(root / f"{task.identity}.lock", busy=busy, hint=hint):
        # The one that held the lock until now may have finished it.
        return finished_record(folder) or _train_whole(task, folder, progress or _ignore)


def finished_record(folder: Path) -> TrainingRecord | None:
    """The record of a finished training, or None where it is unfinished or damaged."""
    if not is_finished(folder) or not (folder / RECORD).is_file():
        return None
    record = decode((folder / RECORD).read_text(encoding="utf-8"), TrainingRecord)
    return replace(record, adapter_path=str(folder))


def _train_whole(task: Task, folder: Path, progress: Progress) -> TrainingRecord:
    parts = task.settings.parts_of(task.examples)
    if not parts.train:
        raise TrainingError("there is nothing to train on", hint="add train cases to the suite")
    adaptation = adaptation_of(task.settings)
    with quietly():
        begin = task.parent.weights if task.parent else None
        trained = fit_stages(
            task.stages, task.base, adaptation, folder / _SCRATCH, progress, begin=begin
        )
        last = trained.stages[-1]
        publish(adaptation, trained.model, last.weights, folder, task.base.name)
        proofs = _prove(task, folder, adaptation, trained, parts=parts)
    beside = copy_beside(folder / _SCRATCH, folder)
    record = _record(task, folder, trained.stages, train=parts.train, proofs=proofs)
    record = replace(record, beside=beside)
    write_atomically(folder / RECORD, encode(record))
    write_manifest(folder, record)
    shutil.rmtree(folder / _SCRATCH, ignore_errors=True)
    return record


def _prove(
    task: Task,
    folder: Path,
    adaptation: Adaptation,
    trained: Trained,
    *,
    parts: Parts,
) -> tuple[Proof, ...]:
    from tuning.training.opening import precision_of
    from tuning.training.proofs import canaries_of, prove

    model = adaptation.judged(trained.model, task.base, task.stages[-1].settings)
    own = [
        proof
        for stage, fitted in zip(task.stages, trained.stages, strict=True)
        if isinstance(stage.objective, Proving)
        for proof in stage.objective.proofs(fitted.log)
    ]
    shared = prove(
        model,
        folder,
        task.base,
        precision_of(model),
        canaries=canaries_of(parts, task.base.tokenizer),
        adaptation=adaptation,
        learnt=task.stages[-1].objective.learnt(loss_curve(trained.stages[-1].log)),
    )
    return (*shared, *own)


def _ignore(step: int, total: int, loss: float | None) -> None:
    """Show nothing."""


def _record(
    task: Task,
    folder: Path,
    fitted: Sequence[Fitted],
    *,
    train: Sequence[Example],
    proofs: tuple[Proof, ...],
) -> TrainingRecord:
    from evals.models.adapters import adapter_fingerprint

    last = fitted[-1]
    shown = encode_examples(task.base.tokenizer, train[:_PREVIEWED])
    return TrainingRecord(
        adapter=adapter_fingerprint(folder),
        adapter_path=str(folder),
        base=task.base.name,
        base_fingerprint=task.base.weights_hash,
        method=task.settings.method,
        prompt=task.prompt,
        template_hash=task.base.template_hash,
        examples=len(train),
        replayed=len(task.replayed),
        shown=task.shown,
        held_out=len(task.examples) - len(train),
        data_fingerprint=task.data_fingerprint,
        settings=task.settings.as_dict(),
        trained_parameters=last.trained_parameters,
        total_parameters=last.total_parameters,
        trained_tokens=sum(one.trained_tokens for one in fitted),
        seconds=sum(one.seconds for one in fitted),
        peak_memory_mb=max(one.peak_memory_mb for one in fitted),
        recomputed=any(one.recomputed for one in fitted),
        curve=loss_curve(last.log),
        best_step=last.best_step,
        findings=task.findings,
        preview=preview_text(task.base.tokenizer, shown),
        proofs=proofs,
        stages=tuple(map(_stage_record, task.chain, fitted)),
        sources=count_sources(task.examples),
        parent=task.parent.adapter if task.parent else "",
        ended=last.ended,
    )


def _stage_record(stage: Stage, fitted: Fitted) -> StageRecord:
    return StageRecord(
        name=stage.name,
        rows=fitted.train,
        held_out=fitted.held_out,
        identity=stage.identity,
        settings=stage.settings.as_dict(),
        curve=loss_curve(fitted.log),
        best_step=fitted.best_step,
        trained_tokens=fitted.trained_tokens,
        seconds=fitted.seconds,
        measured=fitted.measured,
        ended=fitted.ended,
    )
