"""Whether a candidate took as long on sealed cases as on dev, for the same work.

Wall seconds hold whatever else the machine did. Dev and sealed cases are of one kind, so a
candidate's seconds for each token should be about the same on both; where they are not, the
slower run was disturbed, or made on another machine. Disturbance only ever adds time, so of two
timings the faster one is the nearer to what a call takes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import fsum
from typing import NamedTuple

from evals.ledger import Ledger
from evals.records import Run
from tuning.cost.calls import answered, seconds_of_call

FACTOR = 1.5
"""How many times as long a token may take in one run as in the other before that is told.

Seen on a quiet machine with `query_assistant`, one prompt on dev and on test: 1.015 times.
"""

SHORTEST = 1e-9
"""Seconds for a token below which nothing was timed: no machine is so fast."""

MOST_NAMED = 60
"""Characters of a candidate's name: what is said of it must not be lost behind it."""


class Timing(NamedTuple):
    """One run as timed: wall seconds of a call, and its tokens, asked and answered."""

    seconds: float
    tokens: float

    @property
    def pace(self) -> float:
        """Seconds for each token."""
        return self.seconds / self.tokens


@dataclass(frozen=True)
class Timed:
    """One candidate as timed on dev and on sealed cases; None where it was not."""

    label: str
    dev: Timing | None
    sealed: Timing | None

    @property
    def quieter(self) -> Timing | None:
        """The faster of the two for each token."""
        known = [timing for timing in (self.dev, self.sealed) if timing]
        return min(known, key=lambda timing: timing.pace, default=None)

    @property
    def times(self) -> float:
        """How many times as long the slower took for each token; 1 where there is one alone."""
        if self.dev is None or self.sealed is None:
            return 1.0
        paces = sorted((self.dev.pace, self.sealed.pace))
        return paces[1] / paces[0]

    @property
    def disagrees(self) -> bool:
        """Whether the two lie further apart than two timings of the same work."""
        return self.times > FACTOR

    @property
    def slower(self) -> str:
        """`dev` or `sealed`: the run that took longer for each token."""
        assert self.dev is not None
        assert self.sealed is not None
        return "sealed" if self.sealed.pace > self.dev.pace else "dev"

    @property
    def share(self) -> float:
        """What of the sealed run's seconds is left at the quieter pace; 1 where none is known."""
        if self.sealed is None or self.quieter is None:
            return 1.0
        return self.quieter.pace / self.sealed.pace


def timing_of(run: Run | None) -> Timing | None:
    """How long a call of a stored run took; None where seconds or tokens tell nothing."""
    seconds = seconds_of_call(run) if run else None
    if run is None or seconds is None:
        return None
    outputs = answered(run)
    tokens = fsum(one.prompt_tokens + one.completion_tokens for one in outputs) / len(outputs)
    return Timing(seconds, tokens) if tokens and seconds / tokens >= SHORTEST else None


def timed_on(dev: Run | None, sealed: Run | None) -> Timed:
    """One candidate by its stored runs on both splits, either of which may be missing."""
    known = dev or sealed
    return Timed(known.candidate.label if known else "", timing_of(dev), timing_of(sealed))


def disagreement_said(timed: Timed) -> str:
    """Which run took how long, and what that probably means; empty where the two agree."""
    if not timed.disagrees:
        return ""
    assert timed.dev is not None
    assert timed.sealed is not None
    name = timed.label
    if len(name) > MOST_NAMED:
        name = f"{name[: MOST_NAMED - 1]}…"
    return (
        f"'{name}' took {timed.dev.seconds:.2g} s a call on dev cases and "
        f"{timed.sealed.seconds:.2g} s on sealed ones, on the {timed.slower} ones "
        f"{timed.times:.1f} times as long for each token: the machine was probably busy with "
        "something else during that run. Time both again on a quiet machine"
    )


def stored_disagreements(ledger: Ledger, runs: Iterable[Run]) -> tuple[str, ...]:
    """What is to be said of dev `runs` whose candidates are stored on sealed cases, too."""
    found = (_timed_on_both(ledger, run) for run in runs)
    return tuple(filter(None, (disagreement_said(timed) for timed in found)))


def _timed_on_both(ledger: Ledger, run: Run) -> Timed:
    sealed = ledger.fullest_run(run.suite, "test", run.candidate.fingerprint)
    return timed_on(run, sealed)
