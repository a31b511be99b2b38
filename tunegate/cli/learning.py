"""`curve`: what more training examples would buy, measured on dev."""

from __future__ import annotations

from argparse import Namespace

from tunegate.cli.console import Terminal, percent
from tunegate.cli.deciding import open_job
from tunegate.opening import model_name, open_suite
from tuning.learning.measuring import Plan
from tuning.learning.records import LearningCurve
from tuning.learning.sampling import read_shares
from tuning.learning.wording import target_text
from tuning.training.base import check_trainable


def curve_command(options: Namespace, terminal: Terminal) -> int:
    """Train on parts of the examples, judge each adapter on dev, and show the curve."""
    plan = Plan(read_shares(options.shares), options.seeds)
    opened = open_suite(options.suite)
    check_trainable(model_name(opened.suite, options.model))
    with open_job(options, opened, terminal) as (job, _):
        curve = job.learn(plan)
    show_curve(curve, opened.suite.target, terminal)
    terminal.result(curve)
    return 0


def show_curve(curve: LearningCurve, target: float | None, terminal: Terminal) -> None:
    """The points, the projections, and what they say, for a person."""
    rows = [["0", "", percent(curve.zero), _span(curve.zero_low, curve.zero_high)]]
    rows += [
        [f"{p.examples:,}", str(p.seed), percent(p.score), _span(p.low, p.high)]
        for p in curve.points
    ]
    title = f"learning curve of {curve.prompt} (dev)"
    terminal.table(title, [">examples", ">seed", ">score", ">95% interval"], rows)
    terminal.line(curve.fit.sentence)
    if target is not None and (said := target_text(curve, target)):
        terminal.line(said)
    terminal.line()


def _span(low: float, high: float) -> str:
    return f"{100 * low:.1f} to {100 * high:.1f}"
