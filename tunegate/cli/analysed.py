"""What goes wrong with a run, for a person: after a verdict in a few lines, or all of it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from typing import NamedTuple

from evals.errors import UsageError
from evals.failures import KINDS, MEANINGS, FailureAnalysis, analyse
from evals.failures.records import Contrast, Share, SliceLine, Topic
from evals.ledger import Ledger
from evals.records import Case, Run
from evals.suite import Suite
from tunegate.cli.console import Terminal, percent
from tunegate.opening import open_suite
from tunegate.whose_suite import suites_of
from tuning.records import FailureSummary

MOST_LINES = 30
MOST_IDS = 3


def show_summary(found: FailureSummary | None, terminal: Terminal) -> None:
    """What goes wrong with the leader, in three to six lines; nothing where nobody looked."""
    if found is None:
        return
    terminal.line(f"what goes wrong with the leader (dev): {found.failed} of {found.cases} cases")
    if not found.failed:
        return
    ranked = sorted(found.counts.items(), key=lambda item: (-item[1], KINDS.index(item[0])))
    told = (f"{kind.replace('_', ' ')} {count}" for kind, count in ranked)
    terminal.line(f"  {', '.join(told)}")
    terminal.line(f"  {form_said(found.form_from, found.form_unknown, found.failed)}")
    for text in found.worse_slices[:2]:
        terminal.line(f"  fails more: {text}")
    terminal.line(f"  see `tunegate show {found.run} --failures`")


def form_said(source: str, unknown: int, failed: int) -> str:
    """What tells form from content, and of how many failures nothing does."""
    if not source:
        return (
            "nothing tells wrong form from wrong content here: see `form` and `structure` in "
            "docs/suites.md"
        )
    rest = f"; of {unknown} of {failed} it is not known" if unknown else ""
    return f"form is told by {source}{rest}"


def show_failures(options: Namespace, ledger: Ledger, terminal: Terminal) -> int:
    """All of a stored run's error analysis."""
    run = ledger.run(options.run)
    cases = ledger.cases([result.case_fingerprint for result in run.results])
    found = _suite_of(options.suite, run, cases.values())
    if found.note:
        terminal.note(found.note)
    analysis = analyse(found.suite, run, cases.values())
    terminal.line(f"{run.id}  {analysis.label}", "bold")
    terminal.line(
        f"{analysis.failed} of {analysis.cases} cases fail (score below {analysis.pass_score:g}); "
        f"{form_said(analysis.form_from, analysis.form_unknown, analysis.failed)}"
    )
    _show_kinds(analysis, terminal)
    _show_slices(analysis, terminal)
    _show_topics(analysis, terminal)
    terminal.result(
        {
            "failed": analysis.failed,
            "form_known": analysis.form_known,
            "constrainable": analysis.constrainable,
            "analysis": analysis,
        }
    )
    return 0


class _Found(NamedTuple):
    """The suite of a run, or None and what to tell a person."""

    suite: Suite | None
    note: str = ""


def _suite_of(named: str | None, run: Run, cases: Iterable[Case]) -> _Found:
    """The suite that is named, else the first that `suites_of` finds.

    Raises UsageError where the named one has another primary metric than the run.
    """
    if named:
        suite = open_suite(named).suite
        if suite.primary != run.primary:
            raise UsageError(
                f"run {run.id} is judged by {run.primary!r}, and {suite.name} by {suite.primary!r}",
                hint="name the suite of this run",
            )
        return _Found(suite)
    for suite in suites_of(run, cases):
        if suite.primary == run.primary:
            return _Found(suite)
    return _Found(
        None,
        f"the suite {run.suite} is not found here: name it with --suite, for its slices and form",
    )


def _show_kinds(analysis: FailureAnalysis, terminal: Terminal) -> None:
    rows = [
        [
            line.kind.replace("_", " "),
            line.count,
            percent(line.share.estimate),
            _span(line.share),
            MEANINGS[line.kind],
            ", ".join(line.examples[:MOST_IDS]),
        ]
        for line in analysis.kinds
    ]
    if rows:
        heads = ["!kind", ">cases", ">share", ">95%", "what it is", "for example"]
        terminal.table("by kind", heads, rows)


def _show_slices(analysis: FailureAnalysis, terminal: Terminal) -> None:
    lines = analysis.slices[:MOST_LINES]
    if not lines:
        return
    rows = [[f"{line.tag} {line.value}", *_part_cells(line)] for line in lines]
    terminal.table("by slice", ["slice", *_PART_HEADS], rows)
    rest = len(analysis.slices) - len(lines) + analysis.slices_hidden
    if rest:
        terminal.line(f"{rest} more slices")


def _show_topics(analysis: FailureAnalysis, terminal: Terminal) -> None:
    topics = analysis.topics
    if topics.why_not:
        terminal.line(f"topics of the inputs were not looked for: {topics.why_not}")
    elif not topics.found:
        terminal.line(f"none of {topics.looked_at} topics of the inputs fails more than the rest")
    else:
        rows = [[", ".join(topic.terms), *_part_cells(topic)] for topic in topics.found]
        heads = ["inputs about", *_PART_HEADS]
        terminal.table(f"topics that fail more, of {topics.looked_at}", heads, rows)


_PART_HEADS = [">failed", ">cases", ">share", ">95%", ">elsewhere", ""]


def _part_cells(part: SliceLine | Topic) -> list[object]:
    shares = [percent(part.share.estimate), _span(part.share)]
    elsewhere = percent(part.contrast.rest) if part.contrast else "–"
    return [part.failed, part.cases, *shares, elsewhere, contrast_said(part.contrast)]


def contrast_said(contrast: Contrast | None) -> str:
    """Whether a part differs from the rest beyond chance, or why nobody knows."""
    if contrast is None:
        return ""
    if contrast.differs is None:
        return "too few to tell"
    if not contrast.differs:
        return ""
    return "fails more" if contrast.difference.estimate > 0 else "fails less"


def _span(share: Share) -> str:
    if share.low is None or share.high is None:
        return "–"
    return f"{100 * share.low:.1f} to {100 * share.high:.1f}"
