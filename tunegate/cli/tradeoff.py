"""`tradeoff`: what an adapter gains and loses at several scales."""

from __future__ import annotations

from argparse import Namespace
from contextlib import closing

from evals.ledger import FILE_NAME, Ledger
from evals.ledger_file import check_folder
from tunegate.cli.console import Terminal
from tunegate.cli.deciding import open_job
from tunegate.cli.forgetting import show_tradeoff
from tunegate.opening import model_name, open_suite
from tuning.forgetting.making import adapter_to_scale
from tuning.forgetting.tradeoff import read_scales
from tuning.stored import decided_job
from tuning.training.base import check_trainable


def tradeoff_command(options: Namespace, terminal: Terminal) -> int:
    """Scale the adapter, judge each on dev, the guards and neutral text, and show the curve."""
    scales = read_scales(options.scales)
    opened = open_suite(options.suite)
    model = model_name(opened.suite, options.model)
    check_trainable(model)
    _refuse_missing(options, opened.suite.name, model)
    with open_job(options, opened, terminal) as (job, _):
        found = job.trade_off(scales, options.adapter or "")
    show_tradeoff(found, terminal)
    terminal.result(found)
    return 0


def _refuse_missing(options: Namespace, suite: str, model: str) -> None:
    """Raise NothingRunError where there is nothing to scale, before the model is loaded."""
    check_folder(options.ledger)
    if not (options.ledger / FILE_NAME).exists():
        decided_job(None, suite, model)
    with closing(Ledger(options.ledger, read_only=True)) as ledger:
        adapter_to_scale(ledger, decided_job(ledger, suite, model), options.adapter or "")
