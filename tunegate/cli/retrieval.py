"""What retrieval found, for a person: in a decision, in a run, in one case."""

from __future__ import annotations

from evals.records import Case, CaseResult
from evals.retrieval.recall import Recall
from evals.summaries import Mean
from tunegate.cli.console import Terminal, percent
from tuning.records import Decision


def show_retrieval(decision: Decision, terminal: Terminal) -> None:
    """The recall of every candidate that retrieves, and the probe with the cases' own documents."""
    if decision.recalls:
        terminal.table(
            "documents found (dev), apart from how good the answers are",
            ["candidate", ">recall", ">95% interval", ">cases", ">score if found", ">if not"],
            [_row(recall) for recall in decision.recalls],
        )
    oracle = decision.oracle
    if oracle and oracle.score:
        gain = f", {100 * oracle.difference.estimate:+.1f} points" if oracle.difference else ""
        terminal.line(
            f"'{oracle.label}' with each case's own documents: {percent(oracle.score.estimate)} "
            f"({100 * oracle.score.low:.1f} to {100 * oracle.score.high:.1f}){gain}"
        )


def show_recall(recall: Recall | None, terminal: Terminal) -> None:
    """A run's recall, where it has one."""
    if recall:
        terminal.line(f"documents: {recall.sentence}")


def show_shown(result: CaseResult, case: Case | None, terminal: Terminal) -> None:
    """Which documents a case was shown, and which it needs."""
    if result.documents:
        terminal.line(f"shown documents: {', '.join(result.documents)}")
    if case and case.documents:
        terminal.line(f"needed documents: {', '.join(case.documents)}")


def _row(recall: Recall) -> list[str]:
    mean = recall.recall
    return [
        f"{recall.label} ({mean.name})",
        percent(mean.mean),
        ""
        if mean.low is None or mean.high is None
        else f"{100 * mean.low:.1f} to {100 * mean.high:.1f}",
        str(mean.n),
        *map(_score, (recall.found, recall.missed)),
    ]


def _score(mean: Mean | None) -> str:
    return f"{percent(mean.mean)} ({mean.n})" if mean else "none"
