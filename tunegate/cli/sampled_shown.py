"""What sampling came to: for a person, and as a document for a program."""

from __future__ import annotations

from typing import Any

from evals.fingerprint import canonical
from evals.spending.prices import Prices
from evals.suite import Suite
from tunegate.cli.console import Terminal, percent
from tunegate.endpoints import runs_said
from tuning.data.sampled.records import Sampling
from tuning.data.sampled.wording import slice_shares, unsolved_said, warnings_of
from tuning.search.evaluating import taken_by

_NAMED = 20


def show_sampling(suite: Suite, sampling: Sampling, prices: Prices, terminal: Terminal) -> None:
    """The counts, the cases that nothing answered, the cost, and what to beware of."""
    candidate = sampling.candidate
    terminal.table(
        f"answers of {candidate.label} on {candidate.model} to train cases",
        ["", ">count", ">share"],
        [[name, f"{count:,}", share] for name, count, share in _counts(sampling)],
    )
    if shares := slice_shares(suite, sampling):
        terminal.table(
            "by slice",
            ["!slice", ">cases", ">with a right answer", ">kept"],
            [[f"{s.tag}={s.value}", s.cases, s.solved, s.kept] for s in shares],
        )
    if said := unsolved_said(sampling.unsolved, _NAMED):
        terminal.line(f"{said}: what it cannot do yet")
    terminal.line(_cost(sampling, prices))
    for warning in warnings_of(suite, sampling):
        terminal.line(f"warning: {warning}", "yellow")


def _counts(sampling: Sampling) -> list[tuple[str, int, str]]:
    asked, drawn = len(sampling.cases), sampling.drawn
    rows = [
        ("cases asked", asked, ""),
        ("samples drawn", drawn, ""),
        ("samples passed", sampling.right, percent(sampling.right / drawn)),
        ("cases with a right answer", sampling.solved, percent(sampling.solved / asked)),
        ("cases without any", len(sampling.unsolved), percent(len(sampling.unsolved) / asked)),
        ("cases given their own answer", sampling.own, percent(sampling.own / asked)),
        ("examples kept", len(sampling.kept), ""),
    ]
    more = [
        ("samples that ended in an error", sampling.errors, percent(sampling.errors / drawn)),
        ("samples that passed but cannot be learned", sampling.unusable, ""),
        ("train cases that are not asked", len(sampling.left_out), ""),
    ]
    return rows + [row for row in more if row[1]]


def _cost(sampling: Sampling, prices: Prices) -> str:
    """What the draws took when they were made: money of an endpoint, else tokens and time."""
    if said := runs_said(sampling.runs, prices):
        return f"the draws took {said}"
    taken = [taken_by(run) for run in sampling.runs]
    tokens = sum(one.tokens for one in taken)
    return f"the draws took {tokens:,} tokens and {sum(one.seconds for one in taken):.1f} s"


def sampling_document(suite: Suite, sampling: Sampling) -> dict[str, Any]:
    """Everything that is counted, with each case's counts and the ids of those without answer."""
    taken = [taken_by(run) for run in sampling.runs]
    return {
        "suite": suite.name,
        "model": sampling.candidate.model,
        "candidate": sampling.candidate.label,
        "plan": canonical(sampling.plan),
        "cases": len(sampling.cases),
        "drawn": sampling.drawn,
        "passed": sampling.right,
        "errors": sampling.errors,
        "unusable": sampling.unusable,
        "solved": sampling.solved,
        "own": sampling.own,
        "kept": len(sampling.kept),
        "unsolved": sampling.unsolved,
        "left_out": sampling.left_out,
        "each": sampling.cases,
        "slices": slice_shares(suite, sampling),
        "tokens": sum(one.tokens for one in taken),
        "seconds": sum(one.seconds for one in taken),
        "spent": [run.spent for run in sampling.runs if run.spent],
        "warnings": warnings_of(suite, sampling),
    }
