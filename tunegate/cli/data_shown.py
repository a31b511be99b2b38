"""How `data` shows a training set to a person: counts, lengths, lint, and decoded examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tunegate.cli.console import Terminal
from tunegate.cli.suites import STYLES
from tuning.data.advice import advice_for
from tuning.data.lint.rows import count_of
from tuning.data.looking import SourceLine, lengths_of, sources_of
from tuning.data.preview import CLOSE, OPEN, Preview
from tuning.data.replay import replay_count

if TYPE_CHECKING:
    from tunegate.cli.data import Looked

MOST_NAMED = 5


def show_data(looked: Looked, terminal: Terminal) -> None:
    """Everything that is known of it; what is wrong comes last, with what to do."""
    _show_sources(looked, terminal)
    _show_lengths(looked, terminal)
    _show_changed(looked, terminal)
    for item in looked.previews:
        show_preview(item, terminal)
    for note in looked.notes:
        terminal.line(f"note: {note}", STYLES["note"])
    _show_lint(looked, terminal)


def _show_sources(looked: Looked, terminal: Terminal) -> None:
    shown = " with retrieved documents" if looked.technique.retrieval else ""
    terminal.table(
        f"training set of {looked.suite.name}, prompt {looked.prompt}{shown}",
        ["source", ">trained on", ">held out"],
        [[line.source, f"{line.trained_on:,}", f"{line.held_out:,}"] for line in _lines(looked)],
    )
    replayed = replay_count(looked.suite.tune, len(looked.data.examples))
    if replayed:
        terminal.line(
            f"besides, about {replayed:,} general requests are replayed (tune.replay), answered by "
            "the model itself when training begins"
        )


def _lines(looked: Looked) -> list[SourceLine]:
    lines = list(sources_of(looked.parts))
    if len(lines) > 1:
        trained, held = sum(x.trained_on for x in lines), sum(x.held_out for x in lines)
        lines.append(SourceLine("in all", trained, held))
    return lines


def _show_lengths(looked: Looked, terminal: Terminal) -> None:
    if looked.limit is None:
        return
    lengths = lengths_of(looked.data.encoded, looked.limit.tokens)
    if lengths is None:
        return
    terminal.line(
        f"{lengths.tokens:,} tokens, {lengths.trained:,} of them trained; an example has "
        f"{lengths.median:,.0f} (median), {lengths.p95:,} (95th percentile), at most "
        f"{lengths.longest:,} of the {lengths.limit:,} allowed"
    )


def _show_changed(looked: Looked, terminal: Terminal) -> None:
    left_out = looked.data.left_out if looked.suite.tune.too_long == "leave_out" else ()
    for names, one, what in (
        (looked.data.truncated, "prompt", "cut to fit"),
        (left_out, "example", "too long and left out"),
    ):
        if names:
            rest = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
            named = f"{', '.join(names[:MOST_NAMED])}{rest}"
            terminal.line(f"{count_of(len(names), one)} {what}: {named}")


def show_preview(item: Preview, terminal: Terminal) -> None:
    """One decoded example; the trained tokens stand between marks, and are bold where that shows.

    The marks cannot be forged: `tuning.data.preview` writes them as escapes in what it decodes.
    """
    terminal.line()
    terminal.line(
        f"{item.case_id}: {item.prompt_tokens:,} tokens read, {item.trained_tokens:,} trained "
        f"(between {OPEN} and {CLOSE})",
        "bold",
    )
    terminal.pieces([(item.prompt, ""), (f"{OPEN}{item.trained}{CLOSE}", "bold reverse")])


def _show_lint(looked: Looked, terminal: Terminal) -> None:
    findings = looked.data.findings
    terminal.line()
    rows = [[finding.level, finding.code, finding.message] for finding in findings]
    if rows:
        terminal.table("lint", ["!level", "!code", "what was found"], rows)
    else:
        terminal.line("lint: nothing found")
    if not looked.data.refused:
        terminal.line("training would start on this", "bold")
        return
    terminal.line("training refuses this", "bold red")
    for text in advice_for(findings):
        terminal.line(f"  next: {text}")
