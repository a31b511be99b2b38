"""The chain of `--method dpo`: a short fine-tuning, then preference pairs.

The fine-tuning comes first so that some answers are right and some wrong: pairs that tell
nothing new teach nothing. The pairs are those of `tune.pairs`, and those made of answers that
the fine-tuned model gives to train cases.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from evals.errors import TrainingError
from evals.records import Case, Output
from evals.scorers.protocol import Scorer
from evals.suite.preference_settings import DpoSettings
from evals.suite.rlhf_settings import RlhfSettings
from tuning.data.drawn_pairs import Asked, DrawnPairs, DrawPlan, draws_fingerprint
from tuning.data.pair_files import read_pairs
from tuning.data.pair_lint import Value, lint_pairs
from tuning.data.pairs import Pair
from tuning.training.enough import looked_at
from tuning.training.objectives.preferences import Drawing, PreferenceObjective, refuse
from tuning.training.settings import TrainSettings
from tuning.training.stages import Stage

if TYPE_CHECKING:
    from tuning.training.methods import Sources
    from tuning.training.task import Task

RATE = 5e-5
"""For an adapter; of all weights it would be about a tenth of that (Schulman et al. 2025, "LoRA
Without Regret": the best rate of LoRA is ten times that of full training)."""
EPOCHS = 3.0
"""As Zephyr (Tunstall et al. 2023, arXiv 2310.16944); the best step is chosen by held-out pairs."""
WARMUP = 0.1


def preferred(task: Task, sources: Sources) -> tuple[Stage, ...]:
    """The stages of the method `dpo`.

    Raises TrainingError where the pairs of files are refused, or there is nothing to learn from.
    """
    own = task.settings.own
    if not isinstance(own, DpoSettings):
        raise TrainingError("the method dpo has no settings of its own", key="tune.dpo")
    pairs, drawing = pairs_and_drawing(task, sources, own)
    stated = sources.suite.tune
    settings = replace(
        task.settings,
        learning_rate=stated.learning_rate or RATE,
        epochs=stated.epochs or EPOCHS,
        warmup=WARMUP,
        micro_batch=max(1, task.settings.micro_batch // 2),  # each row is two sequences
    )
    # What the suite states of rate and epochs is for the pairs.
    short = task.fine_tuning(
        learning_rate=TrainSettings().learning_rate, epochs=own.sft_epochs, own=None
    )
    return short, Stage("dpo", PreferenceObjective(pairs, own, drawing), settings)


def pairs_and_drawing(
    task: Task, sources: Sources, own: DpoSettings | RlhfSettings
) -> tuple[tuple[Pair, ...], Drawing | None]:
    """The pairs of `tune.pairs`, and how more are drawn (None: not at all).

    Raises TrainingError where pairs are refused, or too few without drawing any.
    """
    pairs = stated_pairs(task, sources)
    drawing = drawing_of(task, sources, own) if own.draws else None
    if drawing is None and len(pairs) < own.min_pairs:
        raise TrainingError(
            f"{len(pairs)} preference pairs, and at least {own.min_pairs} are needed",
            key="tune.pairs",
            hint=f"name files of pairs, or have answers drawn: tune.{task.settings.method}.draws",
        )
    return pairs, drawing


def stated_pairs(task: Task, sources: Sources) -> tuple[Pair, ...]:
    """The pairs of the files under `tune.pairs`, but those of cases that are looked at.

    Raises TrainingError where they are refused.
    """
    suite = sources.suite
    if not suite.tune.pairs:
        return ()
    read = read_pairs(suite, task.prompt, task.shown)
    kept_back = {example.group for example in looked_at(task, sources)}
    scorer = sources.scorers.get(suite.primary)
    found = lint_pairs(
        suite,
        task.prompt,
        read.pairs,
        technique=task.shown,
        value=value_of(scorer) if scorer else None,
    )
    refuse(found)
    return tuple(pair for pair in read.pairs if pair.group not in kept_back)


def value_of(scorer: Scorer) -> Value:
    """A scorer's value of an answer as it would be learnt."""

    def value(case: Case, answer: str) -> float:
        return scorer(case, Output(answer, "stop")).value

    return value


def drawing_of(task: Task, sources: Sources, own: DpoSettings | RlhfSettings) -> Drawing:
    """How answers to learn from are drawn. Raises TrainingError where nothing can be asked."""
    ask = sources.draw
    if ask is None:
        raise TrainingError(
            "answers are to be drawn, and there is no model to draw them of",
            key=f"tune.{task.settings.method}.draws",
            hint="set it to 0 to learn from tune.pairs alone",
        )
    kept_back = {example.case_id for example in looked_at(task, sources)}
    asked = Asked(
        task.prompt,
        task.shown,
        DrawPlan(own.draws, own.temperature, own.pairs_of_a_case, task.settings.seed),
        frozenset(example.case_id for example in task.examples) - kept_back,
    )

    def draw(folder: Path) -> DrawnPairs:
        return ask(asked._replace(adapter=folder))

    return Drawing(draws_fingerprint(sources.suite, asked), draw)
