"""Options of `data` by which training examples are drawn from a model's own answers."""

from __future__ import annotations

import argparse
from argparse import Namespace

from evals.errors import UsageError
from evals.stated import SHOWN
from tunegate.cli.approaches import above_zero, add_approach, read_temperature, whole_number

MOST_DRAWS = 1000
_DRAWING = (
    *("by", "temperature", "keep", "min_score", "with_own", "prompt"),
    *(*SHOWN, "demonstrations", "reasoning", "max_tokens", "structured", "documents"),
)
_LOOKING = ("data", "data_format", "column", "data_split", "provenance")


def add_sampling(command: argparse.ArgumentParser) -> None:
    """State the options; `sampled.sample_command` does what they say where `--sample` is given."""
    group = command.add_argument_group(
        "sampling", "training examples from answers that pass the suite's scorers"
    )
    draws = whole_number(1, MOST_DRAWS)
    group.add_argument(
        "--sample",
        type=draws,
        metavar="N",
        help="ask every train case N times, and keep right answers",
    )
    group.add_argument(
        "--by", metavar="MODEL", help="who is asked (default: the model that is to be tuned)"
    )
    group.add_argument(
        "--temperature", type=read_temperature, metavar="T", help="of the draws (default: 0.8)"
    )
    group.add_argument(
        "--keep", type=draws, metavar="K", help="answers of a case at most (default: 1)"
    )
    group.add_argument(
        "--min-score",
        type=above_zero(1, "score"),
        metavar="X",
        help="keep answers from this primary score on (default: full marks alone)",
    )
    group.add_argument(
        "--with-own",
        action="store_true",
        help="keep answers that are the case's own, too: for data that is used alone",
    )
    group.add_argument(
        "--prompt",
        metavar="P",
        help="ask with this prompt (default: the gate's leader, else the suite's candidate)",
    )
    add_approach(command, votes=False)


def refuse_stray(options: Namespace) -> None:
    """Raise UsageError for an option of drawing without `--sample`, or of looking with it."""
    drawing = options.sample is not None
    stray = next((n for n in (_LOOKING if drawing else _DRAWING) if getattr(options, n)), None)
    if stray is None and drawing and options.format not in (None, "chat"):
        stray = "format"
    if stray is None:
        return
    named = f"--{stray.replace('_', '-')}"
    if drawing:
        raise UsageError(
            f"{named} is of a training set that is looked at, and answers are drawn here",
            hint="leave it out; then look at what was drawn with --data FILE",
        )
    raise UsageError(
        f"{named} is of answers that are drawn, and none are asked for",
        hint="say how many with --sample N",
    )
