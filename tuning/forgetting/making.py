"""The adapter of a step: the first one scaled, or a training with one setting changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from evals.errors import NothingRunError, UsageError
from evals.ledger import Ledger
from evals.suite.spec import Suite
from evals.suite.tune_remedies import remedies_of, why_not
from tuning.adapters.registry import find_adapter, folder_of
from tuning.data.fitting import fit
from tuning.data.training_set import gather_examples
from tuning.forgetting.choosing import Make
from tuning.forgetting.records import SCALE
from tuning.forgetting.remedies import Step
from tuning.forgetting.scaling import refuse_unscalable, scale_adapter
from tuning.records import JobRecord, TrainingRecord
from tuning.trainer import Trainer


def refuse_remedies(suite: Suite) -> None:
    """Raise UsageError for declared remedies that nothing could call for, or that cannot work."""
    tune, where = suite.tune, suite.root / "suite.yaml"
    if not tune.remedies:
        return
    if not remedies_of(tune):
        raise UsageError(
            f"no remedy works for such a training: {why_not(tune, 'scale')}, and "
            f"{why_not(tune, 'rate')}",
            path=where,
            key="tune.remedies",
            hint="leave them out, or train plain adapters",
        )
    if not suite.guards and tune.max_text_rise is None:
        raise UsageError(
            "remedies are tried where a guard fails, and the suite has no guard",
            path=where,
            key="tune.remedies",
            hint="state `guards: {general_ability: {max_loss: 0.10}}`, or tune.max_text_rise",
        )
    if tune.seeds > 1:
        raise UsageError(
            "remedies are of one training, and several seeds are asked for",
            path=where,
            key="tune.remedies",
            hint="train with one seed, or without remedies",
        )


def make_with(trainer: Trainer) -> Make:
    """Scales the adapter, or trains again on the same examples; what there is is found."""

    def make(step: Step, training: TrainingRecord) -> TrainingRecord:
        if step.tune is None:
            made = scale_trained(trainer, training, step.scale)
        else:
            other = replace(trainer, suite=replace(trainer.suite, tune=step.tune))
            made = other.train(label=f"remedy: {step.what}", leader=training.shown)
        return replace(made, sweep=training.sweep)

    return make


def adapter_to_scale(ledger: Ledger, job: JobRecord, name: str) -> TrainingRecord:
    """The adapter whose trade-off is asked for: by the beginning of its id, else the job's.

    Of a scaled one it is the one that was scaled. Raises NothingRunError where the job has none,
    RecordError for a name that fits none, UsageError for an adapter of another suite or model,
    TrainingError for a folder that is not whole.
    """
    if not name and job.training is None:
        raise NothingRunError(
            f"no adapter of {job.suite} is stored", hint="`tunegate tune` trains one"
        )
    found = find_adapter(ledger, name or (job.training.adapter if job.training else ""))
    if SCALE in found.training.settings:
        found = find_adapter(ledger, found.parent)
    if (found.suite, found.model) != (job.suite, job.model):
        raise UsageError(
            f"adapter {found.adapter} is of {found.suite or 'no suite'} on {found.model}, not of "
            f"{job.suite} on {job.model}",
            key="--adapter",
        )
    return replace(found.training, adapter_path=str(folder_of(found, ledger.folder)))


def scale_trained(trainer: Trainer, training: TrainingRecord, scale: float) -> TrainingRecord:
    """An adapter times `scale`, proven on the examples that its training held out.

    Raises TrainingError as `scale_adapter` does.
    """
    from tuning.training.base import open_base
    from tuning.training.proofs import canaries_of
    from tuning.training.train import finished_record
    from tuning.training.tune import parts_of, token_limit

    refuse_unscalable(Path(training.adapter_path))
    trainer.model.use_adapter(None)
    base, suite = open_base(trainer.model.name), trainer.suite
    limit = token_limit(base)
    gathered = gather_examples(suite, training.prompt, training.shown)
    fitted = fit(limit.tokenizer, gathered.examples, limit.tokens, suite.tune.too_long)
    canaries = canaries_of(parts_of(fitted.examples), base.tokenizer)
    root = trainer.ledger.folder / "adapters"
    whole = finished_record(Path(training.adapter_path)) or training  # a registry's is shortened
    return scale_adapter(whole, scale, base, canaries, root)
