"""The reward model of the RLHF chain, as a stage beside the adapter.

    scratch/reward/reference/    the fine-tuned weights, as an adapter that can be asked
    scratch/reward/beside/       what stays when training is over: the pairs that were drawn
    scratch/reward/found.json    which reward model it became; its presence ends the stage
    <root>/reward-<identity>/    the reward model itself

Answers are drawn from the fine-tuned model and paired, a reward model learns the pairs, and the
`LearntReward` that the policy learns from becomes it. Each of these is found again after a kill.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from evals.atomic import write_atomically
from evals.errors import TrainingError
from evals.fingerprint import fingerprint
from evals.records import Message
from tuning.data.pair_lint import too_few
from tuning.data.pairs import pairs_fingerprint
from tuning.training.learnt_reward import LearntReward, Score
from tuning.training.loss_curve import log_of
from tuning.training.memory import forget_peak, peak_memory_mb
from tuning.training.objectives.preferences import Drawing, draw_beside, refuse, told_of_draws
from tuning.training.objectives.reward import RewardObjective
from tuning.training.reward_model import (
    RewardModelRecord,
    describe,
    finished_reward_model,
    load_reward_model,
    train_reward_model,
)
from tuning.training.stages import Course, Fitted, Measured, Stage, Standing

CHANCE = 0.5
_FOUND = "found.json"

Answered = list[tuple[Sequence[Message], str]]


class Found(NamedTuple):
    """A trained reward model: its record, what it scores, and what was noted as it was made."""

    record: RewardModelRecord
    score: Score
    notes: Mapping[str, Any]


@dataclass(frozen=True)
class Modelling:
    """What a reward model is made with, beside its pairs.

    `drawing` makes more pairs (None: there are none but those stated), at least `needed` in all.
    `answered` has the fine-tuned model answer train cases, whose mean score is the reward's
    centre. One not shown better than chance is refused where `weak` does not allow it. It lies
    under `root`, and `reward` becomes it.
    """

    drawing: Drawing | None
    needed: int
    weak: bool
    root: Path = field(compare=False)
    reward: LearntReward = field(compare=False)
    answered: Callable[[Any], Answered] = field(compare=False)


@dataclass(frozen=True)
class RewardModelling(RewardObjective):
    """Learns `pairs` and those that are drawn, beside the adapter, which stays as it is."""

    made: Modelling | None = None

    @property
    def modelling(self) -> Modelling:
        """How it is made. Raises TrainingError where nothing says so."""
        if self.made is None:
            raise TrainingError("nothing says what the reward model is for")
        return self.made

    def fingerprint(self) -> str:
        """Identity of the stated pairs, of how more are drawn, and of what is held out."""
        made = self.modelling
        drawn = made.drawing.identity if made.drawing else None
        stated = pairs_fingerprint(self.pairs)
        return fingerprint("reward-modelling@1", stated, drawn, sorted(self.apart), made.needed)

    def help(self, stage: Stage, standing: Standing, /) -> Fitted:
        """Draw, learn and judge the reward model, as far as that was not done before.

        Raises TrainingError where there are too few pairs, or it is refused.
        """
        made = self.modelling
        found = self._found(standing) or self._make(stage, standing)
        refuse_weak(found.record, allowed=made.weak)
        made.reward.become(found.score, float(found.notes["centre"]))
        record = found.record
        return Fitted(
            name=stage.name,
            weights=standing.weights,
            log=log_of(record.curve),
            best_step=record.best_step,
            trained_parameters=0,  # of the adapter
            total_parameters=0,
            trained_tokens=record.trained_tokens,
            seconds=record.seconds + float(found.notes["seconds"]),
            peak_memory_mb=float(found.notes["peak_memory_mb"]),
            train=record.pairs,
            held_out=record.held_out,
            measured=_measured(found),
        )

    def _found(self, standing: Standing) -> Found | None:
        """What an earlier process made; None where that is not there, or no longer whole."""
        path = standing.scratch / _FOUND
        if not path.is_file():
            return None
        notes = json.loads(path.read_text(encoding="utf-8"))
        record = finished_reward_model(self.modelling.root / f"reward-{notes['reward_model']}")
        if record is None:
            return None
        return Found(record, load_reward_model(Path(record.folder), standing.base), notes)

    def _make(self, stage: Stage, standing: Standing) -> Found:
        start, made, base = time.perf_counter(), self.modelling, standing.base
        forget_peak()
        course = Course(standing.open(), base, stage.settings, standing.scratch, ())
        drawn = draw_beside(made.drawing, course)
        pairs = (*self.pairs, *drawn.pairs)
        refuse(tuple(too_few(pairs, made.needed)))
        answers = made.answered(course.model)
        del course  # two models need not be in memory at once
        spent, held = time.perf_counter() - start, peak_memory_mb()
        record = train_reward_model(
            base, pairs, stage.settings, made.root, standing.progress, apart=self.apart
        )
        refuse_weak(record, allowed=made.weak)
        score = load_reward_model(Path(record.folder), base)
        centre = _mean(score(answers))
        notes = {
            "reward_model": record.identity,
            "centre": centre,
            "seconds": spent,
            "peak_memory_mb": max(held, peak_memory_mb()),
            "drawn": told_of_draws(drawn),
        }
        write_atomically(standing.scratch / _FOUND, json.dumps(notes))
        return Found(record, score, notes)


def refuse_weak(record: RewardModelRecord, *, allowed: bool) -> None:
    """Raise TrainingError for a reward model that is not shown better than chance."""
    if allowed or is_shown(record):
        return
    raise TrainingError(
        f"the reward model is not shown to be better than chance: {_apart(record)}; a policy that "
        "learns from it would learn noise",
        key="tune.rlhf",
        hint="give it more pairs (tune.pairs, draws, pairs_of_a_case), or, knowing that, "
        "state allow_weak: true",
    )


def is_shown(record: RewardModelRecord) -> bool:
    """Whether the interval of the accuracy on held-out pairs lies above chance."""
    return record.accuracy is not None and record.accuracy.low > CHANCE


def _measured(found: Found) -> Measured:
    told = "better than chance" if is_shown(found.record) else "not shown better than chance"
    return {
        **describe(found.record),
        **found.notes["drawn"],
        "reward_model_is": f"{told}: {_apart(found.record)}",
        "reward_centre": float(found.notes["centre"]),
    }


def _apart(record: RewardModelRecord) -> str:
    if record.accuracy is None:
        return "no pair is held out"
    share, low, high = record.accuracy.estimate, record.accuracy.low, record.accuracy.high
    return f"{share:.2f} [{low:.2f}, {high:.2f}] of {record.held_out} held-out pairs told apart"


def _mean(scores: Sequence[float]) -> float:
    if not scores:
        raise TrainingError(
            "no answer of the fine-tuned model ended by itself, so there is nothing to hold "
            "rewards against",
            key="tune.rlhf.sft_epochs",
            hint="fine-tune longer, or allow longer answers (decoding.max_tokens)",
        )
    return sum(scores) / len(scores)
