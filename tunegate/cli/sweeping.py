"""A search of training settings on the command line: as it is asked for, and what it found."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace

from evals.errors import UsageError
from evals.suite.spec import SweepSpec, TuneSpec
from tunegate.cli.console import Terminal, percent
from tuning.sweeping.records import SweepRecord, Trial
from tuning.sweeping.wording import fate_of


def swept_as_stated(tune: TuneSpec, options: Namespace) -> SweepSpec | None:
    """The search that the caller asks for in place of the suite's; None: as the suite says.

    With another method than the suite's its ranges, which were chosen for its own, are left out.
    Raises UsageError for a budget without a search.
    """
    if options.sweep is False and options.sweep_budget is not None:
        raise UsageError("there is no search to give a budget to", key="--sweep-budget")
    own = tune.sweep if options.method in (None, tune.method) else None
    if options.sweep_budget is not None:
        if not options.sweep and own is None:
            raise UsageError(
                "there is no search to give a budget to", key="--sweep-budget", hint="add --sweep"
            )
        return replace(own or SweepSpec(), budget=options.sweep_budget)
    return (own or SweepSpec()) if options.sweep else None


def show_sweep(sweep: SweepRecord, terminal: Terminal) -> None:
    """Every trial of a search, and what was found."""
    terminal.table(
        "search of settings (held-out train)",
        ["!rung", "settings", ">examples", ">seen", ">score", ">95% interval", ">loss", ">s", ""],
        [_row(trial, sweep) for trial in sweep.trials],
    )
    terminal.line(sweep.sentence)
    terminal.line()


def _row(trial: Trial, sweep: SweepRecord) -> list[str]:
    known = trial.low is not None and trial.high is not None
    return [
        "default" if trial.default else str(trial.rung),
        _settings(trial),
        f"{trial.examples:,}",
        f"{trial.seen:,}",
        percent(trial.score),
        f"{100 * (trial.low or 0):.1f} to {100 * (trial.high or 0):.1f}" if known else "",
        "\u2013" if trial.loss is None else f"{trial.loss:.4f}",
        f"{trial.seconds:.0f}",
        fate_of(trial, sweep),
    ]


def _settings(trial: Trial) -> str:
    """The settings of a trial in one line."""
    rank = f", rank {trial.rank}" if trial.rank else ""
    return f"rate {trial.learning_rate:g}{rank}, epochs {trial.epochs:g}"
