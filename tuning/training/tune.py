"""Fine-tuning a suite from end to end: examples, lint, settings, training, proofs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from evals.approach import PLAIN, Technique
from evals.errors import TrainingError, UsageError
from evals.scorers.protocol import Scorer
from evals.suite.spec import Suite
from tuning.data.dataset import Example, Parts
from tuning.data.lint import Accepts, refuse_errors
from tuning.data.replay import Replay, replay_count
from tuning.data.training_set import TokenLimit, TrainingSet, assemble, gather_examples
from tuning.learning.sampling import WHOLE, Part, take_part
from tuning.records import TrainingRecord
from tuning.training.base import BaseModel, Reading, open_base
from tuning.training.loss_curve import Progress
from tuning.training.methods import DrawWith, Sources, chain_of
from tuning.training.parents import Parent, read_parent
from tuning.training.quiet import quietly
from tuning.training.settings import TrainSettings, settings_for
from tuning.training.task import Task
from tuning.training.train import finished_record, train_adapter


def tuning_prompt(suite: Suite) -> str:
    """The prompt an adapter is trained with: the one the suite names, else its shortest."""
    if suite.tune.prompt:
        return suite.tune.prompt
    if not suite.prompts:
        raise UsageError("the suite has no prompt to train with", path=suite.root / "suite.yaml")
    return min(suite.prompts.values(), key=lambda prompt: (len(prompt.source), prompt.name)).name


def token_limit(base: BaseModel | Reading) -> TokenLimit:
    """The base model's tokenizer, and the most tokens of an example that training takes."""
    return TokenLimit(base.tokenizer, min(TrainSettings().max_tokens, base.context_tokens))


def parts_of(examples: Sequence[Example]) -> Parts:
    """As `TrainSettings.parts_of`: no suite states what is held out."""
    return TrainSettings().parts_of(examples)


def training_set(
    suite: Suite,
    base: BaseModel,
    *,
    accepts: Accepts | None = None,
    technique: Technique = PLAIN,
) -> TrainingSet:
    """Build, encode and lint what would be trained on; refuses nothing.

    `technique` is what the adapter keeps of the leader (`tuning.data.dataset.carried`).
    """
    prompt = tuning_prompt(suite)
    gathered = gather_examples(suite, prompt, technique)
    with quietly():
        return assemble(
            suite, prompt, gathered, token_limit(base), accepts=accepts, technique=technique
        )


def tune_suite(
    suite: Suite,
    model: str,
    root: Path,
    *,
    accepts: Accepts | None = None,
    replay: Replay | None = None,
    progress: Progress | None = None,
    part: Part = WHOLE,
    technique: Technique = PLAIN,
    scorers: Mapping[str, Scorer] | None = None,
    draw: DrawWith | None = None,
    begin_from: Path | None = None,
) -> TrainingRecord:
    """Train an adapter for a suite under `root`, or find the one already trained.

    `accepts` says whether the suite's own scorer gives an answer full marks; `replay` gives
    general examples to train on beside the suite's own (none where it is None). With a `part`
    of the examples it trains as it would if there were no more. `technique` is as in
    `training_set`; `scorers` are the suite's, by metric, for methods that learn from scores, and
    `draw` answers train cases for those that learn from answers (`Sources.draw`). `begin_from`
    is the folder of an adapter that training begins from (`tuning.training.parents`). Raises
    TrainingError where the lint refuses the data or training fails, MissingExtraError
    without `[tune]`, ModelError for a model that cannot be trained.
    """
    base = open_base(model)
    data = training_set(suite, base, accepts=accepts, technique=technique)
    refuse_errors(data.findings)
    tune = suite.tune if part.seed is None else replace(suite.tune, seed=part.seed)
    examples = take_part(data.examples, part.share, tune.seed)
    replayed = replay(replay_count(tune, len(examples))) if replay else ()
    own = replace(suite, tune=tune)
    task = make_task(own, base, data, examples, replayed=replayed, technique=technique)
    if begin_from is not None:
        task = replace(task, parent=_parent_of(task, begin_from))
    sources = Sources(suite, root, scorers or {}, progress, draw)
    return train_adapter(replace(task, chain=chain_of(task, sources)), root, progress)


def make_task(
    suite: Suite,
    base: BaseModel,
    data: TrainingSet,
    examples: tuple[Example, ...],
    *,
    replayed: tuple[Example, ...] = (),
    technique: Technique = PLAIN,
) -> Task:
    """The task of training on some examples of a suite's training set, by the suite's settings."""
    taken = {example.case_id for example in examples}
    settings = settings_for(
        suite.tune,
        len(examples),
        longest=max(item.tokens for item in data.encoded if item.case_id in taken),
        context=base.context_tokens,
    )
    return Task(
        suite.name,
        tuning_prompt(suite),
        base,
        examples,
        settings,
        data.findings,
        replayed,
        replace(technique, structured=False),
    )


def _parent_of(task: Task, folder: Path) -> Parent:
    record = finished_record(folder)
    if record is None:
        raise TrainingError(
            "there is no finished adapter here to begin from",
            path=folder,
            hint="see `tunegate adapters`",
        )
    return read_parent(
        folder,
        record,
        base_hash=task.base.weights_hash,
        prompt=task.prompt,
        data=task.data_fingerprint,
        settings=task.settings,
    )
