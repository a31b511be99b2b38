"""What every round of the search took and gained: a table under how prompting was tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evals.spending.wording import money_said
from reports import numbers
from tuning.records import RoundLine


@dataclass(frozen=True)
class RoundRow:
    """One round; texts are ready to show. `gain` is its best against the best before it."""

    name: str
    tried: str
    best: str
    score: str
    bounds: str
    gain: str
    gain_bounds: str
    tokens: str
    searching: str
    time: str
    cost: str
    budget: str


@dataclass(frozen=True)
class RoundsView:
    """All rounds in order, and in sentences what searched demonstrations are worth.

    The columns of money, budgets and searches are shown where any round has one.
    """

    rows: tuple[RoundRow, ...]
    searched: tuple[str, ...]
    priced: bool
    bounded: bool
    searches: bool


def rounds_view(rounds: Sequence[RoundLine]) -> RoundsView | None:
    """None where no round was tried, and of verdicts that older versions stored."""
    if not rounds:
        return None
    return RoundsView(
        rows=tuple(_row(line) for line in rounds),
        searched=tuple(each.sentence for line in rounds for each in line.searched),
        priced=any(line.cost is not None for line in rounds),
        bounded=any(line.budget for line in rounds),
        searches=any(line.searching for line in rounds),
    )


def _row(line: RoundLine) -> RoundRow:
    score, gain = line.score, line.gain
    tried = numbers.count(line.tried)
    return RoundRow(
        name=f"{line.index}. {line.family.replace('_', ' ')}",
        tried=tried if line.tried == line.declared else f"{tried} of {line.declared}",
        best=line.best or numbers.NOTHING,
        score=numbers.score(score.estimate if score else None),
        bounds=numbers.bounds(score),
        gain=numbers.signed(gain.estimate if gain else None),
        gain_bounds=numbers.signed_bounds(gain),
        tokens=numbers.count(line.tokens),
        searching=numbers.count(line.searching or None),
        time=numbers.duration(line.seconds),
        cost=numbers.NOTHING if line.cost is None else money_said(line.cost, line.currency),
        budget=numbers.count(line.budget or None),
    )
