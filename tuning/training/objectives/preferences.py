"""Direct preference optimisation: of two answers, the chosen one becomes the likelier.

The reference is the model that the stage begins with: the fine-tuned one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.errors import TrainingError
from evals.fingerprint import fingerprint
from evals.records import first_error
from evals.suite.preference_settings import DpoSettings
from tuning.data.drawn_pairs import DrawnPairs
from tuning.data.pair_lint import too_few, too_long
from tuning.data.pair_writing import PAIRS_FILE, write_pairs
from tuning.data.pairs import EncodedPair, Pair, encode_pairs, hold_out_pairs, pairs_fingerprint
from tuning.records import LossPoint, Proof
from tuning.training.beside import kept_beside
from tuning.training.loss_curve import best_step, loss_curve
from tuning.training.recomputing import Batch
from tuning.training.stages import Course, Measured, Opened, TaskType

if TYPE_CHECKING:
    from evals.stats import ScoreInterval

REFERENCE = "reference"
"""Under a stage's scratch: the weights it begins with, as an adapter that can be asked."""


@dataclass(frozen=True)
class Drawing:
    """Pairs that are made of answers by the weights a stage begins with.

    `identity` is of all that decides them beside those weights; `draw` is given the adapter's
    folder, and gives the same pairs when it is called again.
    """

    identity: str
    draw: Callable[[Path], DrawnPairs] = field(compare=False)


@dataclass(frozen=True)
class PreferenceObjective:
    """Pairs to learn from: `pairs`, and those that `drawing` makes when the stage begins."""

    pairs: tuple[Pair, ...]
    own: DpoSettings
    drawing: Drawing | None = None

    @property
    def task_type(self) -> TaskType:
        """The model writes."""
        return "CAUSAL_LM"

    def fingerprint(self) -> str:
        """Identity of the pairs, and of how more are drawn."""
        drawn = self.drawing.identity if self.drawing else None
        return fingerprint("dpo@1", pairs_fingerprint(self.pairs), self.own, drawn)

    def open(self, course: Course) -> Opened:
        """TRL's DPOTrainer against the weights that `course.model` has now.

        Raises TrainingError where there are too few pairs, or one is too long.
        """
        from tuning.training.objectives.arguments import plan_steps
        from tuning.training.objectives.preference_trainer import make_trainer

        settings = course.settings
        drawn = draw_beside(self.drawing, course)
        pairs = (*self.pairs, *drawn.pairs)
        refuse(tuple(too_few(pairs, self.own.min_pairs)))
        parts = hold_out_pairs(pairs, share=settings.held_out_share, limit=settings.held_out_limit)
        train, held_out = (encoded_whole(course, some) for some in parts)
        trainer = make_trainer(
            course.model,
            course.base.tokenizer,
            train,
            held_out,
            settings=settings,
            own=self.own,
            steps=plan_steps(len(train), settings),
            scratch=course.scratch,
            callbacks=(*course.callbacks, _noting(drawn)),
            held_out_groups=len({pair.group for pair in parts.held_out}),
        )
        largest = largest_of_pairs((*train, *held_out), settings.micro_batch)
        return Opened(trainer, len(train), len(held_out), largest)

    def learnt(self, curve: Sequence[LossPoint]) -> Proof:
        """Whether the loss is finite and fell."""
        from tuning.training.proofs import loss_proof

        return loss_proof(curve, unit="a pair")

    def measured(self, log: Sequence[Mapping[str, Any]], /) -> Measured:
        """Implicit rewards on held-out pairs at the best step, and what the answers drawn were.

        A pair is right where the chosen answer gained more over the reference than the
        rejected one; at the start all gain nothing. The share's interval is Wilson's over groups:
        pairs of one case are not independent.
        """
        found: dict[str, float | int | str | bool] = {}
        step = best_step(loss_curve(log))
        look = next((e for e in log if "eval_loss" in e and e.get("step") == step), None)
        if look is not None:
            found |= _rewards(look)
        noted = next((entry for entry in log if "drawn_answers" in entry), None)
        if noted is not None and noted["drawn_answers"]:
            found |= {"drawn_answers": noted["drawn_answers"], "drawn_pairs": noted["drawn_pairs"]}
            found["drawn_passed"] = noted["drawn_passed"]
        return found


def _rewards(look: Mapping[str, Any]) -> dict[str, float | int | str | bool]:
    names = {
        "reward_chosen": "eval_rewards/chosen",
        "reward_rejected": "eval_rewards/rejected",
        "reward_margin": "eval_rewards/margins",
        "reward_accuracy": "eval_rewards/accuracies",
    }
    found: dict[str, float | int | str | bool] = {
        name: float(look[key]) for name, key in names.items() if key in look
    }
    pairs, groups = int(look.get("eval_pairs", 0)), int(look.get("eval_groups", 0))
    if groups and "reward_accuracy" in found:
        interval = share_interval(float(found["reward_accuracy"]), groups)
        found |= {
            "held_out_pairs": pairs,
            "reward_accuracy_low": interval.low,
            "reward_accuracy_high": interval.high,
        }
    return found


def share_interval(share: float, groups: int) -> ScoreInterval:
    """Wilson's 95 % interval of a share that was seen over so many independent groups."""
    from evals.stats import score_interval

    right = round(share * groups)
    return score_interval([1.0] * right + [0.0] * (groups - right))


def encoded_whole(course: Course, pairs: Sequence[Pair]) -> tuple[EncodedPair, ...]:
    """Token ids of pairs, none truncated. Raises TrainingError, with names, for longer ones."""
    encoded = encode_pairs(course.base.tokenizer, pairs)
    refuse(tuple(too_long(pairs, encoded, course.settings.max_tokens)))
    return encoded


def largest_of_pairs(pairs: Sequence[EncodedPair], count: int) -> Batch:
    """The most that is in memory at once: both answers of `count` pairs, logits at every token."""
    longest = max(one.longest for one in pairs)
    return Batch(2 * count, longest, 2 * count * longest)


def refuse(findings: Sequence[Any]) -> None:
    """Raise TrainingError for the first error among findings on pairs."""
    error = first_error(findings)
    if error:
        raise TrainingError(
            f"the preference pairs are refused: {error.message}",
            path=error.where or None,
            hint="mend or remove the rows it names" if error.rows else "add pairs, or draws",
        )


def draw_beside(drawing: Drawing | None, course: Course) -> DrawnPairs:
    """The pairs that the model draws as it stands; they are kept as a file beside the adapter."""
    if drawing is None:
        return DrawnPairs((), 0, 0)
    from tuning.training.quiet import generators_kept

    folder = _publish_reference(course)
    with generators_kept():
        drawn = drawing.draw(folder)
    if drawn.pairs:
        write_pairs(drawn.pairs, kept_beside(course.scratch) / PAIRS_FILE)
    return drawn


def told_of_draws(drawn: DrawnPairs) -> dict[str, int]:
    """How many answers were drawn, how many passed, and how many pairs they gave."""
    return {
        "drawn_answers": drawn.answers,
        "drawn_passed": drawn.passed,
        "drawn_pairs": len(drawn.pairs),
    }


def _publish_reference(course: Course) -> Path:
    """The model's weights as they are now, as an adapter in a folder of its own."""
    from safetensors.torch import save_file

    from tuning.training.adaptations import adaptation_of
    from tuning.training.adapters import WEIGHTS

    adaptation = adaptation_of(course.settings)
    folder = course.scratch / REFERENCE
    folder.mkdir(parents=True, exist_ok=True)
    adaptation.describe(course.model, folder, course.base.name)
    state = adaptation.state(course.model)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    return folder


def _noting(drawn: DrawnPairs) -> Any:
    """A callback that writes what was drawn into the trainer's log, once."""
    from transformers import TrainerCallback

    entry = {"step": 0, **told_of_draws(drawn)}

    class Noting(TrainerCallback):  # type: ignore[misc]  # the trainer demands its base class
        """Begins the log of a training that has none yet."""

        def on_train_begin(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
            if not any("drawn_answers" in one for one in state.log_history):
                state.log_history.append(dict(entry))

    return Noting()
