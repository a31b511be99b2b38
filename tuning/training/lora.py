"""Training a LoRA adapter: from encoded examples to a folder that proves itself whole.

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
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from evals.approach import PLAIN, Technique
from evals.atomic import write_atomically
from evals.codec import decode, encode
from evals.errors import TrainingError
from evals.fingerprint import fingerprint
from evals.locks import only_one
from evals.models.planning import common_prefix
from evals.records import Finding, Message
from tuning.data.dataset import (
    EncodedExample,
    Example,
    data_fingerprint,
    encode_examples,
    hold_out,
)
from tuning.data.preview import preview_text
from tuning.records import Proof, TrainingRecord
from tuning.training.adapters import WEIGHTS, is_finished, write_manifest
from tuning.training.base import BaseModel
from tuning.training.checkpoints import Checkpoint, last_whole
from tuning.training.loss_curve import Progress, best_step, loss_curve
from tuning.training.quiet import quietly
from tuning.training.settings import TrainSettings
from tuning.training.weights import best_weights, keep_best, load_weights, publish

RECORD = "training.json"
_SCRATCH = "scratch"
_PREVIEWED = 3
_CANARIES = 4


@dataclass(frozen=True)
class Task:
    """What is to be trained: data, settings and base, under the suite's and prompt's names.

    `replayed` are general examples (`tuning.data.replay`) trained on beside the suite's own.
    `shown` says how the documents in the examples were retrieved; the examples hold them.
    """

    suite: str
    prompt: str
    base: BaseModel
    examples: tuple[Example, ...]
    settings: TrainSettings
    findings: tuple[Finding, ...] = ()
    replayed: tuple[Example, ...] = ()
    shown: Technique = PLAIN

    @property
    def data_fingerprint(self) -> str:
        """Identity of the examples."""
        return data_fingerprint(self.examples)

    @property
    def identity(self) -> str:
        """Hash of everything that determines the trained weights."""
        return fingerprint(
            "lora@2",
            self.base.weights_hash,
            self.base.template_hash,
            self.base.tokenizer_hash,
            self.data_fingerprint,
            data_fingerprint(self.replayed),
            self.settings,
            *([self.shown] if self.shown != PLAIN else []),
        )


class Encoded(NamedTuple):
    """What a training reads: the suite's examples, general ones, and those kept back."""

    train: tuple[EncodedExample, ...]
    replayed: tuple[EncodedExample, ...]
    held_out: tuple[EncodedExample, ...]

    @property
    def prefix(self) -> tuple[int, ...]:
        """Token ids that every example of the suite begins with."""
        prompts = [example.prompt_ids for example in (*self.train, *self.held_out)]
        return tuple(prompts[0][: common_prefix(prompts)])


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
    is not finite or too few examples, MissingExtraError where `[tune]` is not installed,
    UsageError where another process is training the same adapter.
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


def _train_whole(task: Task, folder: Path, progress: Progress) -> TrainingRecord:
    parts = hold_out(
        task.examples, share=task.settings.held_out_share, limit=task.settings.held_out_limit
    )
    if not parts.train:
        raise TrainingError("there is nothing to train on", hint="add train cases to the suite")
    encode_all = partial(encode_examples, task.base.tokenizer)
    data = Encoded(*map(encode_all, (parts.train, task.replayed, parts.held_out)))
    shown = zip(parts.held_out or parts.train, data.held_out or data.train, strict=True)
    asked = [(example.messages, encoded) for example, encoded in shown][:_CANARIES]
    with quietly():
        trained, model = _fit(task, folder / _SCRATCH, data, progress)
        publish(model, trained.weights, folder, task.base.name)
        proofs = _prove(task, folder, model, asked, trained.log)
    record = _record(task, folder, data, trained=trained, proofs=proofs)
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


def _prove(
    task: Task,
    folder: Path,
    model: Any,
    asked: Sequence[tuple[tuple[Message, ...], EncodedExample]],
    log: Sequence[Mapping[str, Any]],
) -> tuple[Proof, ...]:
    from tuning.training.proofs import Canary, prove

    canaries = [Canary(messages, encoded) for messages, encoded in asked]
    return prove(model, folder, task.base, task.settings.precision, canaries=canaries, log=log)


def _ignore(step: int, total: int, loss: float | None) -> None:
    """Show nothing."""


def _fit(
    task: Task,
    scratch: Path,
    data: Encoded,
    progress: Progress,
) -> tuple[Trained, Any]:
    """Train to the end, from the last whole checkpoint if there is one.

    Returns what to record and the model, which carries the best weights.
    """
    from evals.models.allocator import keep_freed_memory

    keep_freed_memory()
    start = time.perf_counter()
    checkpoint = _resumable(scratch)
    before = dict(checkpoint.notes) if checkpoint else {}

    def seconds() -> float:
        return float(before.get("seconds", 0)) + time.perf_counter() - start

    trainer = _open_trainer(task, scratch, data, progress=progress, seconds=seconds)
    trainer.trained_tokens = int(before.get("trained_tokens", 0))
    if checkpoint and before["finished"]:
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
        weights=best.folder / WEIGHTS,
        log=log,
        best_step=best.step,
        trained_parameters=sum(p.numel() for p in parameters if p.requires_grad),
        total_parameters=sum(p.numel() for p in parameters),
        trained_tokens=trainer.trained_tokens,
        seconds=seconds(),
    )
    return trained, trainer.model


def _open_trainer(
    task: Task,
    scratch: Path,
    data: Encoded,
    *,
    progress: Progress,
    seconds: Callable[[], float],
) -> Any:
    """The trainer over freshly loaded weights; `seconds` is the time spent so far."""
    from evals.models.loading import load_folder
    from tuning.training.sft import make_trainer, plan_steps
    from tuning.training.watch import Watch

    model = load_folder(task.base.folder, task.settings.precision).model
    model.set_attn_implementation(task.settings.attention)
    watch = Watch(
        scratch=scratch,
        patience=task.settings.patience,
        progress=progress,
        keep_best=lambda step: keep_best(trainer.model, scratch, step),
        notes=lambda: {"seconds": seconds(), "trained_tokens": trainer.trained_tokens},
    )
    train = (*data.train, *data.replayed)
    trainer = make_trainer(
        model,
        task.base.tokenizer,
        train,
        data.held_out,
        prefix=data.prefix,
        settings=task.settings,
        steps=plan_steps(len(train), task.settings),
        scratch=scratch,
        callbacks=[watch],
    )
    return trainer


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
    data: Encoded,
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
        examples=len(data.train),
        replayed=len(data.replayed),
        shown=task.shown,
        held_out=len(data.held_out),
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
        preview=preview_text(task.base.tokenizer, data.train[:_PREVIEWED]),
        proofs=proofs,
        sources=dict(Counter(example.source for example in task.examples)),
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
