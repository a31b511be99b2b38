"""Suites and scripted models that lead to each verdict, and a training that only pretends."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from evals.approach import PLAIN, Technique
from evals.suite.spec import Suite
from tests.sample_suite import ROUNDS, TOPICS, ticket, write_suite
from tuning.records import TrainingRecord

SIZES = {"train": 30, "dev": 60, "test": 60}
TUNE = "tune: {min_examples: 20, epochs: 1, rank: 2, prompt: terse}\n"

Rules = Sequence[Mapping[str, str]]

KNOWN: Rules = [{"contains": TOPICS[name], "reply": name} for name in ("billing", "shipping")]
"""A model that knows two of the three topics; of the third it says nothing of use."""


def write_model(path: Path, rules: Rules = KNOWN, default: str = "hm", **more: Any) -> str:
    """Write a script and return the model's name, relative where the path is."""
    path.write_text(json.dumps({"rules": list(rules), "default": default, **more}))
    return f"scripted:{path}"


def case_text(split: str, number: int) -> str:
    """The words by which a rule can single out one case."""
    text: str = ticket(split, number)["input"]["text"]
    return text


def answers(
    split: str, numbers: Sequence[int], reply: str, **conditions: str
) -> list[dict[str, str]]:
    """Rules that answer some cases of a split with `reply`, right or wrong."""
    return [{"contains": case_text(split, n), "reply": reply, **conditions} for n in numbers]


def by_label(label: str, count: int) -> list[int]:
    """The first numbers of the cases with that label."""
    return [n for n in range(3000) if sorted(TOPICS)[n % 3] == label][:count]


def undecided_rules(split: str = "dev", swing: int = 8, **conditions: str) -> list[dict[str, str]]:
    """Rules that win some cases and lose as many, where the conditions hold."""
    return [
        *answers(split, by_label("login", swing), "login", **conditions),
        *answers(split, by_label("billing", swing), "hm", **conditions),
    ]


def named_suite(folder: Path, name: str, **options: Any) -> Path:
    """A sample suite under a name of its own."""
    write_suite(folder, **options)
    manifest = folder / "suite.yaml"
    manifest.write_text(manifest.read_text().replace("name: tickets", f"name: {name}"))
    return folder


def guarded_suite(folder: Path, *, guard_size: int = 60, **options: Any) -> Path:
    """`tickets`, which may be tuned, with the guard suite `kept` beside it."""
    options.setdefault("extra", ROUNDS + TUNE + "guards: {kept: {max_loss: 0.1}}\n")
    named_suite(folder / "kept", "kept", sizes={"dev": guard_size}, extra="", change=_other_words)
    return write_suite(folder / "tickets", **options)


def _other_words(case: dict[str, Any]) -> dict[str, Any]:
    text = case["input"]["text"]
    return case | {"input": {"text": f"kept {text}"}}


def pretended_training(adapter: str) -> Callable[..., TrainingRecord]:
    """Stands for `tune_suite`: a scripted model's adapter needs no training."""

    def train(
        suite: Suite, model: str, root: Path, *, technique: Technique = PLAIN, **_: Any
    ) -> TrainingRecord:
        train.calls += 1  # type: ignore[attr-defined]
        return TrainingRecord(
            adapter=adapter,
            adapter_path=adapter,
            base=model,
            base_fingerprint="base",
            method="lora",
            prompt=suite.tune.prompt or "terse",
            template_hash="template",
            examples=27,
            held_out=3,
            data_fingerprint="data",
            settings={"rank": 2},
            trained_parameters=1,
            total_parameters=2,
            trained_tokens=3,
            seconds=1.5,
            peak_memory_mb=1.0,
            curve=(),
            best_step=1,
            findings=(),
            preview="",
            proofs=(),
            shown=replace(technique, structured=False),
        )

    train.calls = 0  # type: ignore[attr-defined]
    return train
