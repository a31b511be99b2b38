"""What got worse by training, in a line: cases, other metrics, guards, ordinary text."""

from __future__ import annotations

from collections.abc import Iterator

from reports import numbers
from reports.outcome import GUARD_WORDS, sealed_pairs
from reports.stored import sealed_runs
from tuning.records import JobRecord


def worse_said(job: JobRecord) -> str:
    """What was lost, as clauses; empty where nothing was judged on the sealed cases."""
    if job.shipping is None or job.shipping.compared is None:
        return ""
    return "; ".join(_losses(job)) or "nothing that was measured"


def _losses(job: JobRecord) -> Iterator[str]:
    ship, (before, after) = job.shipping, sealed_runs(job)
    assert ship is not None
    if before and after:
        for name, pair in sealed_pairs(job, before, after).items():
            if pair.losses:
                yield f"{numbers.plural(pair.losses, 'sealed case')} by {name}"
    for guard in ship.guards:
        change = guard.difference.estimate
        if change < 0:
            result = GUARD_WORDS[guard.result]
            yield f"guard {guard.suite} by {numbers.points(change)} (guard {result})"
    if ship.text is not None and ship.text.rise.estimate > 0:
        yield "ordinary English became less likely (neutral text)"
