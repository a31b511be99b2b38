"""An adapter that training begins from: one that supervised fine-tuning made of the same examples.

What a parent learnt its child has learnt too. So it must have learnt nothing but the very
examples that are trained on now, which the lint holds against dev and test: of anything else
nobody could say whether it had seen them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evals.errors import RecordError, TrainingError
from evals.suite.tune_weights import SHAPING
from tuning.records import TrainingRecord
from tuning.training.adaptations.principal import PRINCIPAL
from tuning.training.adapters import WEIGHTS, read_manifest
from tuning.training.settings import TrainSettings

_OPTION = "--from"


@dataclass(frozen=True)
class Parent:
    """A finished adapter's weights, and its fingerprint."""

    adapter: str
    weights: Path


def read_parent(
    folder: Path,
    record: TrainingRecord,
    *,
    base_hash: str,
    prompt: str,
    data: str,
    settings: TrainSettings,
) -> Parent:
    """The adapter in `folder`, whose record is `record`, to begin a training from.

    `base_hash`, `prompt`, `data` (the examples' fingerprint) and `settings` are of the training
    that is to begin. Raises TrainingError where it cannot, RecordError for a damaged folder.
    """
    manifest = read_manifest(folder)
    differs = _difference(record, base_hash=base_hash, prompt=prompt, data=data, settings=settings)
    if manifest.fingerprint != record.adapter:
        raise RecordError("its record is not of the adapter that lies there", path=folder)
    if differs:
        what, hint = differs
        raise TrainingError(
            f"training cannot begin from adapter {record.adapter}: {what}",
            path=folder,
            key=_OPTION,
            hint=hint,
        )
    return Parent(record.adapter, folder / WEIGHTS)


def _difference(
    record: TrainingRecord, *, base_hash: str, prompt: str, data: str, settings: TrainSettings
) -> tuple[str, str] | None:
    """Why an adapter is no parent, and what to do; None where it is one."""
    again = "train one with `tunegate tune --method lora`, and begin from that"
    if record.base_fingerprint != base_hash:
        return "it was trained on another base model", again
    if record.stages or record.parent:
        return "it was not made by supervised fine-tuning alone", again
    if record.data_fingerprint != data or record.prompt != prompt:
        return (
            "it learnt other examples than those of the suite as it stands, and nobody can say "
            "whether dev and test were among them",
            again,
        )
    if record.failed_proofs:
        return "it failed a proof", again
    return _other_shape(record, settings)


def _other_shape(record: TrainingRecord, settings: TrainSettings) -> tuple[str, str] | None:
    """Which of its weights' settings is another, so that its tensors do not fit."""
    if settings.variant in PRINCIPAL:
        hint = f"leave out --from, or `variant: {settings.variant}`"
        return f"a training of variant {settings.variant!r} begins from the base alone", hint
    then, now = record.settings, settings.as_dict()
    for name in ("weights", "variant", *SHAPING):
        if name != "dropout" and then.get(name, now.get(name)) != now.get(name):
            return (
                f"its {name} is {then.get(name)}, and {now.get(name)} is asked for",
                f"state `tune: {{{name}: {then.get(name)}}}`",
            )
    return None
