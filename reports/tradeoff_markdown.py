"""What was forgotten, as Markdown: neutral text, and the adapters that were held side by side."""

from __future__ import annotations

from reports.markup import table, words
from reports.tradeoff import TextView, TradeoffView

MOST_ROWS = 20


def forgotten_markdown(text: TextView | None, tradeoff: TradeoffView | None) -> str:
    """Both parts, as far as there are any; empty for none."""
    return _text(text) + _tradeoff(tradeoff)


def _text(view: TextView | None) -> str:
    if view is None:
        return ""
    limit = f"; at most {view.limit} may be added: {view.result}" if view.limit else ""
    return (
        f"\nNeutral text ({view.passages} passages): **{view.rise}** nats a token "
        f"({view.bounds}){limit}. {words(view.meaning, 400)}\n"
    )


def _tradeoff(view: TradeoffView | None) -> str:
    if view is None:
        return ""
    head = ["No.", "Adapter", "Gain on dev", *(words(name, 80) for name in view.guards)]
    rows = [
        [
            row.number,
            words(row.what, 80) + (" (judged)" if row.is_judged else ""),
            f"**{row.gain}** ({row.gain_bounds})" if row.gain_bounds else row.gain,
            *(f"{loss} ({bounds})" if bounds else loss for loss, bounds in row.losses),
            f"{row.text} ({row.text_bounds})" if row.text_bounds else row.text,
            words(row.standing, 300),
        ]
        for row in view.rows[:MOST_ROWS]
    ]
    said = f"\nThe trade-off: {words(view.sentence, 1_000)}\n\n"
    return said + table([*head, "Neutral text, nats", "Standing"], rows)
