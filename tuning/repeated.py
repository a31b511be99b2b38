"""How steady the leader is, where it was run several times besides."""

from __future__ import annotations

from evals.ledger import Ledger
from evals.records import Run
from evals.repeats import OverRepeats, PassRule, apart_from_seed, over_repeats
from tuning.records import JobRecord


def leader_over_repeats(ledger: Ledger, record: JobRecord, rule: PassRule) -> OverRepeats | None:
    """What the repeats of the leader's dev run say together; None where it was run once.

    Those are stored runs over the very same cases, scored alike, that differ in their seed.
    """
    leader = record.decision.leader if record.decision else None
    first = record.runs.get(leader) if leader else None
    if first is None:
        return None
    repeats = {first.candidate.decoding.seed: first}
    for header in ledger.runs(first.suite, first.split):
        if _is_alike(header, first) and header.candidate.decoding.seed not in repeats:
            run = ledger.run(header.id)
            if _cases(run) == _cases(first):
                repeats[run.candidate.decoding.seed] = run
    runs = [repeats[seed] for seed in sorted(repeats)]
    return over_repeats(runs, rule) if len(runs) > 1 else None


def _is_alike(header: Run, first: Run) -> bool:
    return header.scoring_fingerprint == first.scoring_fingerprint and (
        apart_from_seed(header.candidate) == apart_from_seed(first.candidate)
    )


def _cases(run: Run) -> list[tuple[str, str]]:
    return [(result.case_id, result.case_fingerprint) for result in run.results]
