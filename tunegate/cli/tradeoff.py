"""`tradeoff`: what an adapter gains and loses at several scales."""

from __future__ import annotations

from argparse import Namespace

from tunegate.cli.console import Terminal
from tunegate.cli.deciding import open_job
from tunegate.cli.forgetting import show_tradeoff
from tunegate.opening import model_name, open_suite
from tuning.forgetting.tradeoff import read_scales
from tuning.training.base import check_trainable


def tradeoff_command(options: Namespace, terminal: Terminal) -> int:
    """Scale the adapter, judge each on dev, the guards and neutral text, and show the curve."""
    scales = read_scales(options.scales)
    opened = open_suite(options.suite)
    check_trainable(model_name(opened.suite, options.model))
    with open_job(options, opened, terminal) as (job, _):
        found = job.trade_off(scales, options.adapter or "")
    show_tradeoff(found, terminal)
    terminal.result(found)
    return 0
