"""A measured break-even without what disturbed the seconds behind it."""

from __future__ import annotations

from dataclasses import dataclass

from tuning.cost.pace import Timed
from tuning.cost.payback import at_pace
from tuning.records import Payback


@dataclass(frozen=True)
class TimedArms:
    """The best prompt and the adapter, as timed on dev and on sealed cases."""

    before: Timed
    after: Timed

    @property
    def disturbed(self) -> bool:
        """Whether the two runs of either disagree."""
        return self.before.disagrees or self.after.disagrees

    @property
    def shares(self) -> tuple[float, float]:
        """What of each side's sealed seconds is left at the quieter pace, if any is disturbed."""
        return (self.before.share, self.after.share) if self.disturbed else (1.0, 1.0)

    def is_slowed(self, label: str, split: str) -> bool:
        """Whether the run of this candidate on `dev` or `sealed` cases is a disturbed one."""
        arms = (self.before, self.after)
        return any(a.disagrees and (a.label, a.slower) == (label, split) for a in arms)


def quiet_payback(payback: Payback, arms: TimedArms, by_hours: tuple[bool, bool]) -> Payback | None:
    """The payback, with each side's seconds for each token as in its faster run.

    `by_hours` says which sides' money is charged by the hour. None where nothing changes: no
    timing was disturbed, or money does not follow seconds.
    """
    before, after = (
        share if hourly else 1.0 for share, hourly in zip(arms.shares, by_hours, strict=True)
    )
    if (before, after) == (1.0, 1.0):
        return None
    how = (
        f"seconds of a call on this machine for each token as in the faster run of each "
        f"({_source(arms.before)}; {_source(arms.after)}), at the tokens of the sealed cases"
    )
    return at_pace(payback, before, after, (how, *payback.basis[1:]))


def _source(timed: Timed) -> str:
    if timed.dev is None:
        return f"'{timed.label}' on sealed cases, the only run"
    split = "dev" if timed.quieter == timed.dev else "sealed"
    return f"'{timed.label}' on {split} cases"
