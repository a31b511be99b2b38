"""Whether the seconds behind cost were disturbed, and the break-even at the quieter pace."""

from __future__ import annotations

from collections.abc import Iterator

from evals.durations import after_said
from evals.records import Run
from reports.stored import sealed_runs
from tuning.cost.pace import Timed, Timing, disagreement_said, timing_of
from tuning.cost.payback import pays
from tuning.cost.quiet import TimedArms, quiet_payback
from tuning.records import JobRecord, Payback


def timed_arms(job: JobRecord) -> TimedArms:
    """Both sides of the sealed comparison."""
    before, after = sealed_runs(job)
    return TimedArms(_timed(job, before), _timed(job, after))


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


def quiet_standing(job: JobRecord, arms: TimedArms) -> Payback | None:
    """The measured break-even with each side's seconds from its faster run for each token.

    None where nothing was measured, no timing was disturbed, or nothing is charged by the hour.
    """
    shipping = job.shipping
    cost = shipping.cost if shipping else None
    if shipping is None or cost is None or cost.payback is None:
        return None
    if cost.as_timed:
        return cost.payback
    sides = shipping.before_cost, shipping.after_cost
    before, after = (side is not None and side.by == "hours" for side in sides)
    return quiet_payback(cost.payback, arms, (before, after))


def timing_notes(job: JobRecord, arms: TimedArms, quiet: Payback | None) -> tuple[str, ...]:
    """What a reader must know before acting on seconds, or on money by the hour."""
    return tuple(_notes(job, arms, quiet))


def _notes(job: JobRecord, arms: TimedArms, quiet: Payback | None) -> Iterator[str]:
    for timed in (arms.before, arms.after):
        if said := disagreement_said(timed):
            yield f"{said}."
    if arms.before.disagrees and arms.before.slower == "dev":
        yield "The gate's estimate before training rests on that dev run."
    cost = job.shipping.cost if job.shipping else None
    stored = (cost.as_timed or cost.payback) if cost else None
    if quiet is None or cost is None or stored is None:
        return
    yield (
        f"The break-even below takes each side's seconds for each token from its faster run. "
        f"By the sealed runs alone: {after_said(stored.months)}."
    )
    if pays(stored) != pays(quiet):
        ways = [("the sealed seconds as they were", stored), ("the faster runs", quiet)]
        (taken, first), (other, second) = reversed(ways) if cost.as_timed else ways
        yield (
            f"The verdict's rule on cost took {taken}: by those tuning {_pays_said(first)}, "
            f"by {other} it {_pays_said(second)}."
        )


def _pays_said(payback: Payback) -> str:
    return "pays in the time allowed" if pays(payback) else "does not pay in the time allowed"
