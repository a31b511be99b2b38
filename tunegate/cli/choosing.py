"""`audit --pairs`: a person chooses between two outputs, blind."""

from __future__ import annotations

import getpass
from argparse import Namespace

from evals.errors import NothingRunError, UsageError
from evals.preferences import (
    PREFERENCES_FILE,
    Question,
    Said,
    choose,
    draw_questions,
    first_chosen,
    read_choices,
)
from evals.stats import score_interval
from evals.suite import Suite
from evals.text import visible
from tunegate.cli.console import Terminal, percent
from tunegate.cli.records import open_stored
from tunegate.opening import open_suite

_ANSWERS: dict[str, Said] = {
    "a": "first",
    "b": "second",
    "t": "tie",
    "tie": "tie",
    "s": "skip",
    "skip": "skip",
    "": "skip",
}
_FEW = 10


def choose_pairs(options: Namespace, terminal: Terminal) -> int:
    """Put pairs of outputs to train cases before a person, and keep what is chosen."""
    if options.run:
        raise UsageError(
            "--run names one run, and pairs are of two outputs to a case", hint="leave it away"
        )
    suite = open_suite(options.suite).suite
    ledger = open_stored(options.ledger)
    runs = [ledger.run(header.id) for header in ledger.runs(suite.name, "train")]
    if not runs:
        raise NothingRunError(
            f"there is no run of {suite.name} on train to choose between outputs of",
            hint=f"run `tunegate eval {options.suite} --split train` with two prompts, "
            "models or adapters",
        )
    path = suite.root / PREFERENCES_FILE
    made = choose(
        draw_questions(runs, suite, size=options.sample),
        lambda question, number, total: _ask(question, number, total, terminal),
        path,
        by=options.by or getpass.getuser(),
    )
    terminal.line(f"{len(made)} choices added to {path}")
    _show_order(suite, terminal)
    if PREFERENCES_FILE not in {file.path for file in suite.tune.pairs}:
        terminal.line(f"to learn from them: `tune: {{pairs: [{PREFERENCES_FILE}]}}` in suite.yaml")
    return 0


def _show_order(suite: Suite, terminal: Terminal) -> None:
    """Say so where the order alone seems to have decided."""
    first, decided = first_chosen(read_choices(suite.root / PREFERENCES_FILE))
    if decided < _FEW:
        return
    found = score_interval([1.0] * first + [0.0] * (decided - first))
    if not found.low <= 0.5 <= found.high:
        terminal.line(
            f"warning: the output shown first was chosen {percent(found.estimate)} of the time "
            f"({percent(found.low)} to {percent(found.high)}): by chance it would be half",
            "yellow",
        )


def _ask(question: Question, number: int, total: int, terminal: Terminal) -> Said | None:
    terminal.line(f"\n{number} of {total}: case {visible(question.case.id)}", "bold")
    for key, value in question.case.asked.items():
        terminal.line(f"input.{visible(key)}: {visible(str(value), limit=1000)}")
    terminal.line(f"[A] {visible(question.first)}")
    terminal.line(f"[B] {visible(question.second)}")
    while True:
        try:
            said = input("which is better? [a], [b], [t]ie, [s]kip, [q]uit: ").strip().lower()
        except EOFError:
            return None
        if said in {"q", "quit"}:
            return None
        if said in _ANSWERS:
            return _ANSWERS[said]
