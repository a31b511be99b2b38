"""Training a LoRA adapter: from encoded examples to a folder that proves itself whole.

    <root>/<identity>/        adapter_model.safetensors, adapter_config.json
        training.json         the TrainingRecord
        adapter.json          the manifest, written last: its presence proves the rest
        scratch/              checkpoints while training; gone afterwards

`identity` is a hash of all that determines the weights, so the same training is never
done twice, and one that was killed goes on from its last whole checkpoint.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from evals.atomic import write_atomically
from evals.codec import decode, encode
from evals.errors import TrainingError
from evals.fingerprint import fingerprint
from evals.records import Finding
from tuning.adapters import WEIGHTS, is_finished, write_manifest
from tuning.base import BaseModel
from tuning.checkpoints import Checkpoint, last_whole
from tuning.curve import Progress, best_step, loss_curve
from tuning.dataset import (
    EncodedExample,
    Example,
    data_fingerprint,
    encode_examples,
    hold_out,
    shared_prefix,
)
from tuning.preview import preview_text
from tuning.quiet import quietly
from tuning.records import Proof, TrainingRecord
from tuning.settings import TrainSettings
from tuning.weights import best_weights, keep_best, load_weights, publish

RECORD = "training.json"
_SCRATCH = "scratch"
_PREVIEWED = 3
_CANARIES = 4


@dataclass(frozen=True)
class Task:
    """What is to be trained: data, settings and base, under the suite's and prompt's names."""

    suite: str
    prompt: str
    base: BaseModel
    examples: tuple[Example, ...]
    settings: TrainSettings
    findings: tuple[Finding, ...] = ()

    @property
    def data_fingerprint(self) -> str:
        """Identity of the examples."""
        return data_fingerprint(self.examples)

    @property
    def identity(self) -> str:
        """Hash of everything that determines the trained weights."""
        return fingerprint(
            "lora@1",
            self.base.weights_hash,
            self.base.template_hash,
            self.base.tokenizer_hash,
            self.data_fingerprint,
            self.settings,
        )


class Trained(NamedTuple):
    """What a training run leaves for the record; the weights lie in `weights`."""

    weights: Path
    log: Sequence[Mapping[str, Any]]
    best_step: int
    trained_parameters: int
    total_parameters: int
    trained_tokens: int
    seconds: float


def train_lora(task: Task, root: Path, progress: Progress | None = None) -> TrainingRecord:
    """Train an adapter (or find it finished), prove it, and return its record.

    `progress` gets (step, total steps, loss in nats per token). A run that was killed goes
    on where it stopped and ends with the same weights. Raises TrainingError for a loss that
    is not finite or too few examples, MissingExtraError where `[tune]` is not installed.
    """
    folder = root / task.identity
    if (finished := finished_record(folder)) is not None:
        return finished
    folder.mkdir(parents=True, exist_ok=True)
    parts = hold_out(
        task.examples, share=task.settings.held_out_share, limit=task.settings.held_out_limit
    )
    if not parts.train:
        raise TrainingError("there is nothing to train on", hint="add train cases to the suite")
    train = encode_examples(task.base.tokenizer, parts.train)
    held_out = encode_examples(task.base.tokenizer, parts.held_out)
    with quietly():
        trained, proofs = _train_and_prove(task, folder, train, held_out, progress)
    record = _record(task, folder, train, len(held_out), trained=trained, proofs=proofs)
    write_atomically(folder / RECORD, encode(record))
    write_manifest(folder, record)
    shutil.rmtree(folder / _SCRATCH, ignore_errors=True)
    return record


def finished_record(folder: Path) -> TrainingRecord | None:
    """The record of a finished training, or None where it is unfinished or damaged."""
    if not is_finished(folder) or not (folder / RECORD).is_file():
        return None
    record = decode((folder / RECORD).read_text(encoding="utf-8"), TrainingRecord)
    return replace(record, adapter_path=str(folder))


def _train_and_prove(
    task: Task,
    folder: Path,
    train: Sequence[EncodedExample],
    held_out: Sequence[EncodedExample],
    progress: Progress | None,
) -> tuple[Trained, tuple[Proof, ...]]:
    from tuning.proofs import prove

    trained, model = _fit(task, folder / _SCRATCH, train, held_out, progress or _ignore)
    publish(model, trained.weights, folder, task.base.name)
    canaries = (held_out or train)[:_CANARIES]
    proofs = prove(
        model, folder, task.base, task.settings.precision, canaries=canaries, log=trained.log
    )
    return trained, proofs


def _ignore(step: int, total: int, loss: float | None) -> None:
    """Show nothing."""


def _fit(
    task: Task,
    scratch: Path,
    train: Sequence[EncodedExample],
    held_out: Sequence[EncodedExample],
    progress: Progress,
) -> tuple[Trained, Any]:
    """Train to the end, from the last whole checkpoint if there is one.

    Returns what to record and the model, which carries the best weights.
    """
    from evals.models.allocator import keep_freed_memory
    from evals.models.loading import load_folder
    from tuning.sft import Steps, make_trainer, plan_steps
    from tuning.watch import Watch

    keep_freed_memory()
    start = time.perf_counter()
    loaded = load_folder(task.base.folder, task.settings.precision)
    loaded.model.set_attn_implementation(task.settings.attention)
    checkpoint = _resumable(scratch)
    before = dict(checkpoint.notes) if checkpoint else {}
    seconds, tokens = float(before.get("seconds", 0)), int(before.get("trained_tokens", 0))
    steps: Steps = plan_steps(len(train), task.settings)

    def notes() -> dict[str, Any]:
        elapsed = seconds + time.perf_counter() - start
        return {"seconds": elapsed, "trained_tokens": trainer.trained_tokens}

    watch = Watch(
        scratch=scratch,
        patience=task.settings.patience,
        progress=progress,
        keep_best=lambda step: keep_best(trainer.model, scratch, step),
        notes=notes,
    )
    trainer = make_trainer(
        loaded.model,
        task.base.tokenizer,
        train,
        held_out,
        prefix=shared_prefix([e.prompt_ids for e in (*train, *held_out)]),
        settings=task.settings,
        steps=steps,
        scratch=scratch,
        callbacks=[watch],
    )
    trainer.trained_tokens = tokens
    if checkpoint and checkpoint.notes["finished"]:
        log = _stored_log(checkpoint)
    else:
        trainer.train(resume_from_checkpoint=str(checkpoint.folder) if checkpoint else None)
        log = trainer.state.log_history
    best = best_weights(scratch)
    if best is None:
        raise TrainingError("no weights were kept", path=scratch, hint="train again")
    load_weights(trainer.model, best.folder)
    parameters = list(trainer.model.parameters())
    trained = Trained(
        best.folder / WEIGHTS,
        log,
        best.step,
        sum(p.numel() for p in parameters if p.requires_grad),
        sum(p.numel() for p in parameters),
        trainer.trained_tokens,
        seconds + time.perf_counter() - start,
    )
    return trained, trainer.model


def _resumable(scratch: Path) -> Checkpoint | None:
    """The last whole checkpoint, if the best weights up to it are there too.

    Best weights newer than the checkpoint will do: training on makes the same again.
    """
    checkpoint = last_whole(scratch)
    if checkpoint is None:
        return None
    best, wanted = best_weights(scratch), best_step(loss_curve(_stored_log(checkpoint)))
    if best is None or (wanted is not None and best.step < wanted):
        shutil.rmtree(scratch)
        return None
    return checkpoint


def _stored_log(checkpoint: Checkpoint) -> list[Mapping[str, Any]]:
    import json

    state = json.loads((checkpoint.folder / "trainer_state.json").read_text(encoding="utf-8"))
    return list(state["log_history"])


def _record(
    task: Task,
    folder: Path,
    train: Sequence[EncodedExample],
    held_out: int,
    *,
    trained: Trained,
    proofs: tuple[Proof, ...],
) -> TrainingRecord:
    from evals.models.adapters import adapter_fingerprint

    return TrainingRecord(
        adapter=adapter_fingerprint(folder),
        adapter_path=str(folder),
        base=task.base.name,
        base_fingerprint=task.base.weights_hash,
        method="lora",
        prompt=task.prompt,
        template_hash=task.base.template_hash,
        examples=len(train),
        held_out=held_out,
        data_fingerprint=task.data_fingerprint,
        settings=task.settings.as_dict(),
        trained_parameters=trained.trained_parameters,
        total_parameters=trained.total_parameters,
        trained_tokens=trained.trained_tokens,
        seconds=trained.seconds,
        peak_memory_mb=peak_memory_mb(),
        curve=loss_curve(trained.log),
        best_step=trained.best_step,
        findings=task.findings,
        preview=preview_text(task.base.tokenizer, train[:_PREVIEWED]),
        proofs=proofs,
    )


def peak_memory_mb() -> float:
    """The most memory this process has held: on CUDA the device's, else resident, in MB."""
    import torch

    if torch.cuda.is_available():
        return float(torch.cuda.max_memory_allocated()) / 1e6
    import resource
    import sys

    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss: bytes there, KiB on Linux
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
