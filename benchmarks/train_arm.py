"""One arm of `benchmarks/train_speed.py`, in a process of its own: train, and say what it took.

    python -m benchmarks.train_arm ARM --lesson FILE --seed N --scratch DIR

A lesson holds token ids, so that every arm learns the very same; TRL's arms load nothing of
tunegate before they have trained. The last line of the output is an `Outcome` as JSON.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

IGNORED = -100
PACKAGES = ("torch", "transformers", "trl", "peft")


class Row(NamedTuple):
    """Token ids of one example; the loss is taken on the completion."""

    prompt: list[int]
    completion: list[int]


@dataclass(frozen=True)
class Lesson:
    """What all arms learn, and the settings that say how: not one of them is about speed."""

    model: str
    folder: str
    train: list[Row]
    held_out: list[Row]
    prefix: list[int]
    rank: int
    alpha: int
    learning_rate: float
    warmup: float
    weight_decay: float
    max_grad_norm: float
    batch: int
    epochs: float
    steps: int

    @classmethod
    def read(cls, path: Path) -> Lesson:
        """A lesson as `write` left it."""
        fields = json.loads(path.read_text(encoding="utf-8"))
        rows = {name: [Row(*row) for row in fields[name]] for name in ("train", "held_out")}
        return cls(**{**fields, **rows})

    def write(self, path: Path) -> None:
        """As JSON."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @property
    def tokens(self) -> int:
        """Of all rows trained on, padding apart, once."""
        return sum(len(row.prompt) + len(row.completion) for row in self.train)


@dataclass(frozen=True)
class Outcome:
    """What one arm took. Times in seconds, `loss` in nats per held-out completion token."""

    seconds: float
    cpu_seconds: float
    tokens: float
    examples: float
    loss: float
    peak_mb: float
    how: str
    versions: dict[str, str]


def open_trl(lesson: Lesson, seed: int, scratch: Path, *, float32: bool = False) -> Any:
    """TRL's trainer as it ships: of the settings that decide speed, none is given.

    But `float32`, which switches TRL's bfloat16 off. That a CPU is meant must be said.
    """
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    arguments = SFTConfig(
        output_dir=str(scratch),
        max_steps=lesson.steps,
        per_device_train_batch_size=lesson.batch,
        learning_rate=lesson.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=max(1, round(lesson.warmup * lesson.steps)),
        weight_decay=lesson.weight_decay,
        max_grad_norm=lesson.max_grad_norm,
        seed=seed,
        dataset_kwargs={"skip_prepare_dataset": True},  # the ids are given
        report_to=[],
        disable_tqdm=True,
        use_cpu=not torch.cuda.is_available(),
        **({"bf16": False} if float32 else {}),
    )
    rows = {
        "input_ids": [row.prompt + row.completion for row in lesson.train],
        "labels": [[IGNORED] * len(row.prompt) + row.completion for row in lesson.train],
    }
    adapter = LoraConfig(
        r=lesson.rank,
        lora_alpha=lesson.alpha,
        lora_dropout=0.0,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    return SFTTrainer(
        model=lesson.folder, args=arguments, train_dataset=Dataset.from_dict(rows),
        peft_config=adapter,
    )  # fmt: skip


def open_tunegate(lesson: Lesson, seed: int, scratch: Path) -> Any:
    """The trainer that `tunegate tune` trains with, and the allocator as it sets it."""
    from evals.models.allocator import keep_freed_memory
    from tuning.data.dataset import EncodedExample
    from tuning.training.adaptations import adaptation_of
    from tuning.training.base import open_base
    from tuning.training.objectives.arguments import Steps
    from tuning.training.settings import TrainSettings, training_precision

    base = open_base(lesson.model)
    from tuning.training.objectives.completion_trainer import make_trainer  # loads torch

    keep_freed_memory()
    settings = TrainSettings(
        rank=lesson.rank,
        alpha=lesson.alpha,
        learning_rate=lesson.learning_rate,
        warmup=lesson.warmup,
        weight_decay=lesson.weight_decay,
        max_grad_norm=lesson.max_grad_norm,
        batch=lesson.batch,
        micro_batch=lesson.batch,
        epochs=lesson.epochs,
        precision=training_precision(),
        seed=seed,
    )
    examples = [
        EncodedExample(str(n), tuple(row.prompt), tuple(row.completion))
        for n, row in enumerate(lesson.train)
    ]
    return make_trainer(
        adaptation_of(settings).open(base, settings, "CAUSAL_LM"),
        base.tokenizer,
        examples,
        (),
        prefix=lesson.prefix,
        settings=settings,
        steps=Steps(lesson.steps, lesson.steps),
        scratch=scratch,
        callbacks=(),
    )


ARMS: dict[str, Callable[[Lesson, int, Path], Any]] = {
    "trl": open_trl,
    "trl_allocator": open_trl,
    "trl_float32": partial(open_trl, float32=True),
    "trl_float32_allocator": partial(open_trl, float32=True),
    "tunegate": open_tunegate,
}


def train(arm: str, lesson: Lesson, seed: int, scratch: Path) -> Outcome:
    """Train one arm. Opening it is not timed, nor is the loss taken afterwards."""
    trainer = ARMS[arm](lesson, seed, scratch)
    began, worked = time.perf_counter(), time.process_time()
    trainer.train()
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - worked
    from tuning.training.memory import peak_memory_mb

    peak = peak_memory_mb()  # of the whole process: loading is in it, as for a user
    seen = len(lesson.train) * trainer.state.epoch
    return Outcome(
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        tokens=lesson.tokens * trainer.state.epoch,
        examples=seen,
        peak_mb=peak,
        loss=held_out_loss(lesson, adapter_of(trainer)),
        how=how_of(trainer),
        versions={name: version(name) for name in PACKAGES},
    )


def how_of(trainer: Any) -> str:
    """What decides the speed, as the trainer was really set."""
    model = trainer.model
    return ", ".join(
        (
            "bfloat16 autocast" if trainer.args.bf16 else "no autocast",
            f"weights {str(next(model.parameters()).dtype).removeprefix('torch.')}",
            f"checkpointing {'on' if trainer.args.gradient_checkpointing else 'off'}",
            f"attention {model.config._attn_implementation}",
        )
    )


def adapter_of(trainer: Any) -> dict[str, Any]:
    """The trained tensors, in float32 on the CPU."""
    from peft import get_peft_model_state_dict

    state = get_peft_model_state_dict(trainer.model, save_embedding_layers=False)
    return {name: tensor.detach().float().cpu() for name, tensor in state.items()}


def held_out_loss(lesson: Lesson, adapter: dict[str, Any]) -> float:
    """Nats per completion token on held-out rows, taken in the same plain way of every arm."""
    import torch

    from tuning.training.adaptations import adaptation_of
    from tuning.training.base import open_base
    from tuning.training.forward import plain_summed_loss
    from tuning.training.settings import TrainSettings

    settings = TrainSettings(rank=lesson.rank, alpha=lesson.alpha)  # float32
    adaptation = adaptation_of(settings)
    model = adaptation.open(open_base(lesson.model), settings, "CAUSAL_LM")
    adaptation.put(model, adapter)
    model.eval()
    total = 0.0
    for row in lesson.held_out:
        ids = torch.tensor([row.prompt + row.completion], device=model.device)
        labels = ids.clone()
        labels[:, : len(row.prompt)] = IGNORED
        batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}
        with torch.no_grad():
            total += float(plain_summed_loss(model.get_base_model(), batch))
    return total / sum(len(row.completion) for row in lesson.held_out)


def main() -> None:
    """Train the arm that is named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("arm", choices=ARMS)
    parser.add_argument("--lesson", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scratch", type=Path, required=True)
    options = parser.parse_args()
    outcome = train(options.arm, Lesson.read(options.lesson), options.seed, options.scratch)
    print(json.dumps(asdict(outcome)))


if __name__ == "__main__":
    main()
