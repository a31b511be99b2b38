"""The trade-off of one adapter: what it gains and loses at several scales, for a person to choose.

Nothing is chosen and nothing ships: the sealed split is not looked at, and a guard's result
here is no verdict. Every scaled adapter and every run is found again where it is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from evals.errors import UsageError
from evals.fingerprint import fingerprint
from evals.ledger import Ledger
from evals.suite.spec import Suite
from tuning.forgetting.choosing import AS_TRAINED, Make, try_step
from tuning.forgetting.levels import guard_levels
from tuning.forgetting.records import SCALE, Tradeoff, TriedAdapter
from tuning.forgetting.remedies import Step
from tuning.forgetting.trying import Bench
from tuning.forgetting.wording import curve_sentence
from tuning.records import JobRecord, TrainingRecord

KIND = "tradeoff"
DEFAULT_SCALES = (1.0, 0.75, 0.5, 0.25)
MOST_SCALES = 20


def read_scales(text: str) -> tuple[float, ...]:
    """Scales of an option like `0.25,0.5,1`, falling, with 1 always among them.

    Raises UsageError for what is no number above 0 and at most 2, a repeat, and too many.
    """
    try:
        stated = [float(part) for part in text.split(",")]
    except ValueError:
        stated = [0.0]
    if not all(0 < scale <= 2 for scale in stated) or len(set(stated)) != len(stated):
        raise UsageError(
            f"{text!r} is no list of scales",
            key="--scales",
            hint="numbers above 0 and at most 2, each once, like 0.25,0.5,0.75,1",
        )
    if len(stated) > MOST_SCALES:
        raise UsageError(f"{len(stated)} scales are more than {MOST_SCALES}", key="--scales")
    return tuple(sorted({1.0, *stated}, reverse=True))


def measure_tradeoff(
    bench: Bench,
    training: TrainingRecord,
    scales: Sequence[float],
    make: Make,
    note: Callable[[str], None],
) -> Tradeoff:
    """The adapter as trained and at the other scales, on dev, the guards and neutral text.

    Raises TrainingError for an adapter that cannot be scaled.
    """
    steps = [Step(SCALE, f"{SCALE} {scale:g}", scale=scale) for scale in scales if scale != 1]
    levels = guard_levels(len(steps))
    for step in steps:  # before anything is run: an adapter that cannot be scaled is refused
        make(step, training)
    tried: list[TriedAdapter] = [bench.try_one(training, AS_TRAINED, "", levels.trained)]
    for step in steps:
        line, _ = try_step(bench, training, step, make, alpha=levels.remedy, tried=tried)
        tried.append(line)
        if line.failed:
            note(f"{line.what}: {line.failed}")
    found = Tradeoff(
        suite=bench.suite.name,
        model=bench.model.name,
        primary=bench.suite.primary,
        adapter=training.adapter,
        leader=bench.leader.id,
        leader_label=bench.leader.candidate.label,
        min_gain=bench.suite.min_gain,
        tried=tuple(tried),
        remedies=len(steps),
        subject=subject_of(bench.suite),
    )
    return replace(found, sentence=curve_sentence(found))


def subject_of(suite: Suite) -> str:
    """Identity of what a suite's trade-offs are measured on; a change makes a stored one stale."""
    return fingerprint(
        "tradeoff@1",
        sorted(case.fingerprint for case in suite.split("dev")),
        suite.scoring_fingerprint,
        suite.guards,
    )


def store_tradeoff(ledger: Ledger, found: Tradeoff, created: str) -> None:
    """Keep a trade-off in place of an earlier one of the same adapter."""
    ledger.store(KIND, _key(found.suite, found.model, found.adapter), found, created=created)


def tradeoff_of_job(ledger: Ledger, suite: Suite, job: JobRecord) -> Tradeoff | None:
    """What is known of the trade-off of a job's adapter: remedies first, then other scales."""
    remedied = job.tradeoff
    if job.training is None:
        return remedied
    scaled = SCALE in job.training.settings
    adapter = job.training.parent if scaled else job.training.adapter
    adapter = remedied.adapter if remedied else adapter
    stored = ledger.load(KIND, _key(job.suite, job.model, adapter), Tradeoff)
    leader = job.decision.leader if job.decision else ""
    if stored is None or stored.subject != subject_of(suite) or stored.leader != leader:
        return remedied
    if remedied is None:
        return stored
    known = {line.adapter for line in remedied.tried}
    more = tuple(line for line in stored.tried if line.adapter not in known)
    return replace(remedied, tried=(*remedied.tried, *more))


def _key(suite: str, model: str, adapter: str) -> str:
    return f"{suite}|{model}|{adapter}"
