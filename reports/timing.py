"""Whether the seconds behind cost were disturbed, and the break-even at the quieter pace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from evals.records import Run
from reports.stored import sealed_runs
from tuning.cost.pace import Timed, Timing, disagreement_said, timing_of
from tuning.cost.payback import at_pace, pays
from tuning.records import JobRecord, Payback


@dataclass(frozen=True)
class Arms:
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


def timed_arms(job: JobRecord) -> Arms:
    """Both sides of the sealed comparison."""
    before, after = sealed_runs(job)
    return Arms(_timed(job, before), _timed(job, after))


def _timed(job: JobRecord, sealed: Run | None) -> Timed:
    label = sealed.candidate.label if sealed else ""
    return Timed(label, _on_dev(job, sealed), timing_of(sealed))


def _on_dev(job: JobRecord, sealed: Run | None) -> Timing | None:
    """The same candidate on dev; of the adapter that is what choosing its prompt measured."""
    if sealed is None:
        return None
    wanted = sealed.candidate.fingerprint
    for run in job.runs.values():
        if run.split == "dev" and run.suite == job.suite and run.candidate.fingerprint == wanted:
            return timing_of(run)
    line = job.together.line if job.together and sealed.candidate.adapter else None
    if line is None or not line.seconds or not line.prompt_tokens:
        return None
    return Timing(line.seconds, line.prompt_tokens + line.completion_tokens)


def quiet_payback(job: JobRecord, arms: Arms) -> Payback | None:
    """The measured break-even with each side's seconds from its faster run for each token.

    None where nothing was measured, no timing was disturbed, or nothing is charged by the hour.
    """
    shipping = job.shipping
    payback = shipping.cost.payback if shipping and shipping.cost else None
    if shipping is None or payback is None:
        return None
    old, new = shipping.before_cost, shipping.after_cost
    before, after = (
        share if cost is not None and cost.by == "hours" else 1.0
        for share, cost in zip(arms.shares, (old, new), strict=True)
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


def timing_notes(job: JobRecord, arms: Arms, quiet: Payback | None) -> tuple[str, ...]:
    """What a reader must know before acting on seconds, or on money by the hour."""
    return tuple(_notes(job, arms, quiet))


def _notes(job: JobRecord, arms: Arms, quiet: Payback | None) -> Iterator[str]:
    for timed in (arms.before, arms.after):
        if said := disagreement_said(timed):
            yield f"{said}."
    if arms.before.disagrees and arms.before.slower == "dev":
        yield "The gate's estimate before training rests on that dev run."
    stored = job.shipping.cost.payback if job.shipping and job.shipping.cost else None
    if quiet is None or stored is None:
        return
    yield (
        f"The break-even below takes each side's seconds for each token from its faster run. "
        f"By the sealed runs alone: {_months(stored.months)}."
    )
    if pays(stored) != pays(quiet):
        yield (
            "The verdict's rule on cost took the sealed seconds as they were: by those tuning "
            f"{_pays_said(stored)}, by the faster runs it {_pays_said(quiet)}."
        )


def _months(months: float | None) -> str:
    return "never" if months is None else f"after {months:,.1f} months"


def _pays_said(payback: Payback) -> str:
    return "pays in the time allowed" if pays(payback) else "does not pay in the time allowed"
