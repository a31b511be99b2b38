"""The stages of a training that has several: what each learnt from, how long, and with what end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reports import numbers
from reports.training_curves import CurveView, curve_view
from tuning.records import StageRecord

_CALLED = {
    "sft": "Supervised fine-tuning",
    "dpo": "Preference pairs",
    "reward": "Reward model",
    "grpo": "Reinforcement learning (GRPO)",
    "rloo": "Reinforcement learning (RLOO)",
}

Value = float | int | str | bool


@dataclass(frozen=True)
class StageView:
    """One stage; texts are ready to show."""

    title: str
    facts: tuple[tuple[str, str], ...]
    measured: tuple[tuple[str, str], ...]
    settings: tuple[tuple[str, str], ...]
    curve: CurveView | None


def stage_views(stages: tuple[StageRecord, ...]) -> tuple[StageView, ...]:
    """All stages, in order."""
    return tuple(_stage(stage, number) for number, stage in enumerate(stages, start=1))


def _stage(stage: StageRecord, number: int) -> StageView:
    called = _CALLED.get(stage.name)
    name = f"{called}: {stage.name}" if called else stage.name
    return StageView(
        title=f"{number}. {name}",
        facts=(
            ("Rows", f"{stage.rows:,} learnt from, {stage.held_out:,} held out"),
            ("Best step", numbers.count(stage.best_step)),
            ("Time", numbers.duration(stage.seconds)),
            ("Tokens", numbers.count(stage.trained_tokens)),
        ),
        measured=tuple(_measured(stage.measured)),
        settings=tuple((key, value_text(value)) for key, value in stage.settings.items()),
        curve=curve_view(stage.curve, stage.best_step, slug=f"-{number}", of=f"stage {number}"),
    )


def value_text(value: Value) -> str:
    """A setting or a measured value as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return numbers.decimal(value) if isinstance(value, int | float) else value


def _measured(measured: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    """What was measured, in its order; a number and its bounds in one line."""
    bounds = {key: _bounds_of(key, measured) for key in measured}
    inside = {name for found in bounds.values() if found for name in found}
    for key, value in measured.items():
        if key in inside:
            continue
        text = value_text(value)
        if found := bounds[key]:
            low, high = (value_text(measured[name]) for name in found)
            text = f"{text} ({low} to {high})"
        yield key.replace("_", " "), text or numbers.NOTHING


def _bounds_of(key: str, measured: Mapping[str, Value]) -> tuple[str, str] | None:
    """Under which names the bounds of a number stand; None where it has none, or is no number."""
    if not isinstance(measured[key], float):
        return None
    stem = key.removesuffix("_change")
    names = (f"{stem}_low", f"{stem}_high")
    return names if all(name in measured for name in names) else None
