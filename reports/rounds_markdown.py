"""What the rounds took and gained, as Markdown."""

from __future__ import annotations

from reports import numbers
from reports.markup import table, words
from reports.rounds import RoundsView

MOST_ROWS = 20


def rounds_markdown(view: RoundsView | None) -> str:
    """A table, and what searched demonstrations are worth; nothing without rounds."""
    if view is None:
        return ""
    head = ["Round", "Best", "Tried", "Score", "Gain on the best before", "Tokens"]
    head += [*(["Of it searching"] if view.searches else []), "Time"]
    head += [*(["Worth"] if view.priced else []), *(["Budget"] if view.bounded else [])]
    rows = [
        [
            words(row.name, 40),
            words(row.best, 80),
            row.tried,
            f"{row.score} ({row.bounds})",
            row.gain if row.gain == numbers.NOTHING else f"{row.gain} ({row.gain_bounds})",
            row.tokens,
            *([row.searching] if view.searches else []),
            row.time,
            *([words(row.cost)] if view.priced else []),
            *([row.budget] if view.bounded else []),
        ]
        for row in view.rows[:MOST_ROWS]
    ]
    said = "".join(f"\n- {words(text, 400)}" for text in view.searched[:MOST_ROWS])
    title = "\nWhat the rounds took and gained:\n\n"
    return f"{title}{table(head, rows, numeric_from=2)}{said}\n"
