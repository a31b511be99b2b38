"""How findings name the rows they are about, and quote what stands in them."""

from __future__ import annotations

from collections.abc import Sequence

from evals.records import Finding
from evals.text import visible
from tuning.data.dataset import Example
from tuning.data.lint.codes import CODES

NAMED = 5
"""Rows that a message spells out; `Finding.rows` has all."""

_LEVELS = {code.name: code.level for code in CODES}


def row(example: Example) -> str:
    """`id`, or `id (file:line)`."""
    if example.where in ("", example.case_id):
        return visible(example.case_id)
    return visible(f"{example.case_id} ({example.where})")


def about(
    code: str, text: str, rows: Sequence[Example], *, shown: Sequence[str] | None = None
) -> Finding:
    """A finding on rows: its message names the first few of `shown`, by default of the rows."""
    names = shown if shown is not None else [row(example) for example in rows[:NAMED]]
    count = len(rows) if shown is None else len(shown)
    more = f" and {count - NAMED} more" if count > NAMED else ""
    named = ("; " if shown is not None else ", ").join(names[:NAMED])
    return Finding(
        _LEVELS[code],
        code,
        f"{text}: {named}{more}",
        rows[0].where if rows else "",
        tuple(row(example) for example in rows),
    )


def remark(code: str, text: str) -> Finding:
    """A finding on the data as a whole."""
    return Finding(_LEVELS[code], code, text)


def count_of(number: int, one: str, many: str = "") -> str:
    """`1 row`, `2 rows`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
