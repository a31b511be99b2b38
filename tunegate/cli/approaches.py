"""Options that say how a prompt is used, in the words of `candidate:` in a suite."""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Callable

from evals.approach import Approach
from evals.errors import UsageError
from evals.stated import (
    MAX_DEMONSTRATIONS,
    MAX_DOCUMENTS,
    MAX_TOKENS,
    MAX_VOTES,
    REASONING_TOKENS,
    SHOWN,
    VOTING_TEMPERATURE,
    Stated,
)

_HELP = {
    "few_shot": "show K train cases, drawn once",
    "diverse": "show K train cases, spread over the inputs",
    "nearest": "show the K train cases most similar in their letters",
    "similar": "show the K train cases most similar in meaning (embeddings)",
}


def add_approach(command: argparse.ArgumentParser, *, votes: bool = True) -> None:
    """State the options of a command that runs a candidate; some draw answers without votes."""
    group = command.add_argument_group("how the prompt is used")
    for name in SHOWN:
        count = whole_number(1, MAX_DEMONSTRATIONS)
        group.add_argument(f"--{_dashed(name)}", type=count, metavar="K", help=_HELP[name])
    group.add_argument(
        "--demonstrations", nargs="+", metavar="ID", help="show these train cases, in this order"
    )
    group.add_argument("--reasoning", action="store_true", help="have it think before it answers")
    group.add_argument(
        "--max-tokens",
        type=whole_number(1, MAX_TOKENS),
        metavar="N",
        help=f"room for thoughts and answer, with --reasoning (default: {REASONING_TOKENS})",
    )
    if votes:
        _add_votes(group)
    group.add_argument(
        "--structured", action="store_true", help="hold the answer to the suite's `structure`"
    )
    group.add_argument(
        "--documents",
        type=whole_number(1, MAX_DOCUMENTS),
        metavar="N",
        help="show the N best pieces of the suite's documents",
    )


def _add_votes(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--votes",
        type=whole_number(2, MAX_VOTES),
        metavar="N",
        help="sample N answers and take the commonest",
    )
    group.add_argument(
        "--temperature",
        type=read_temperature,
        metavar="T",
        help=f"of the sampled answers, with --votes (default: {VOTING_TEMPERATURE})",
    )


def approach_of(options: Namespace) -> Approach | None:
    """What the options say; None where they say nothing. Raises UsageError."""
    stated = Stated(
        shown={name: k for name in SHOWN if (k := getattr(options, name)) is not None},
        demonstrations=tuple(options.demonstrations or ()),
        reasoning=options.reasoning,
        votes=options.votes,
        temperature=options.temperature,
        structured=options.structured,
        documents=options.documents,
        max_tokens=options.max_tokens,
    )
    if found := stated.conflict(lambda key: f"--{_dashed(key)}"):
        raise UsageError(found[1], key=f"--{_dashed(found[0])}")
    return stated.approach


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """Read a whole number within bounds, both included."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and low <= int(text[:9]) <= high):
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number {low} to {high}")
        return int(text)

    return read


def above_zero(most: float, what: str) -> Callable[[str], float]:
    """Read a number above 0 and at most `most`; `what` says in an error what it is not."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = 0.0
        if not 0 < value <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a {what} above 0, at most {most:g}")
        return value

    return read


def read_temperature(text: str) -> float:
    """Read a temperature at which answers differ."""
    return above_zero(2, "temperature")(text)


def _dashed(name: str) -> str:
    return name.replace("_", "-")
