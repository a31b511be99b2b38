"""The adapter with several prompts, as Markdown."""

from __future__ import annotations

from reports.markup import table, words
from reports.together import TogetherView

MOST_ROWS = 20


def together_markdown(view: TogetherView) -> str:
    """The choice in words, then every prompt that was tried."""
    head = ["Prompt", "Standing", "Adapter", "Base", "Tuning adds", "Prompting adds"]
    head += ["Prompt tokens", "Seconds a case"]
    rows = [
        [
            words(row.label, 80),
            words(row.standing, 120),
            _with(row.score, row.bounds),
            _with(row.base, row.base_bounds),
            _with(row.tuning, row.tuning_bounds),
            _with(row.prompting, row.prompting_bounds),
            row.prompt_tokens,
            row.seconds,
        ]
        for row in view.rows[:MOST_ROWS]
    ]
    rest = len(view.rows) - len(rows)
    more = f"\n{rest} more in the HTML report.\n" if rest else ""
    return f"{words(view.sentence, 600)}\n\n{table(head, rows, numeric_from=2)}{more}"


def _with(value: str, bounds: str) -> str:
    return f"{value} ({bounds})" if bounds else value
