"""The commands that lead to a stored job again, for its report."""

from __future__ import annotations

import shlex
from argparse import Namespace

from tuning.records import JobRecord

TRAINING_OPTIONS = (
    *("method", "weights", "variant", "rank", "learning_rate", "epochs"),
    *("seeds", "until", "keep"),
)
"""Options of `tune` that stand in the place of the suite's own, named as in `tune:`."""


def trained_as(options: Namespace) -> tuple[str, ...]:
    """What was stated to `tune` of how to train, as its options."""
    named = (*TRAINING_OPTIONS, "remedies", "sweep_budget")
    stated = [(name.replace("_", "-"), getattr(options, name)) for name in named]
    told = [text for name, value in stated if value is not None for text in _option(name, value)]
    if options.sweep is not None:
        told.append("--sweep" if options.sweep else "--no-sweep")
    return (*told, *(_option("from", options.begin_from) if options.begin_from else ()))


def _option(name: str, value: object) -> tuple[str, str]:
    return f"--{name}", str(value)


def commands_of(options: Namespace, record: JobRecord) -> tuple[str, ...]:
    """From the checks to the report; `options` name the suite, and who writes prompts."""
    model = ["--model", record.model]
    proposer = getattr(options, "proposer", None)
    proposed = ["--proposer", proposer] if proposer else []
    override = ["--override", record.override] if record.override else []
    seeds = ["--seeds", str(1 + len(record.siblings))] if record.siblings else []
    decided = [*model, *proposed]
    if record.trained_as is None:
        made = {"run": [*decided, *override, *seeds], "gate": decided}
    else:
        trained = [*record.trained_as, *override]
        made = {"run": [*decided, "--no-tune"], "gate": decided, "tune": [*decided, *trained]}
    told = {"check": [], **made, "report": model}
    return tuple(shlex.join(["tunegate", do, options.suite, *more]) for do, more in told.items())
