"""What limits the claim of a verdict: the honesty line of a report's first screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from evals.records import Run
from evals.stats import one_sided_z
from evals.stats.power import POWER
from reports import numbers
from reports.cost import shown_payback
from reports.disclosure import Disclosure
from reports.stored import dev_runs, sealed_runs
from reports.worse import worse_said
from tuning.gate.rules import AUDIT
from tuning.records import Decision, JobRecord

FLAGS = {
    "errors": (
        "some tried candidates have cases without a score; the gate's bounds take the worst case "
        "of each"
    ),
    "few_clusters": "the cases form too few independent clusters to claim anything",
    "floor": (
        "every prompt scores near zero, so that none is better says little: make sure that the "
        "task can be done at all"
    ),
    "leader_moved": (
        "the best prompt was found after the one that the plateau is judged against, the anchor"
    ),
}


@dataclass(frozen=True)
class Caveat:
    """One part of the honesty line."""

    label: str
    text: str


def caveats_of(job: JobRecord, told: Disclosure) -> tuple[Caveat, ...]:
    """The honesty line: everything that limits what the verdict can claim."""
    caveats = [Caveat("Sealed split", _looks(job, told)), Caveat("Errors", _errors(job))]
    if worse := worse_said(job):
        caveats.insert(0, Caveat("Got worse", worse))
    if open_parts := _inconclusive(job):
        caveats.append(Caveat("Undecided", "; ".join(open_parts)))
    if job.decision:
        if untested := _untested(job, job.decision):
            caveats.append(Caveat("Not tested, whether", "; ".join(untested)))
        caveats += [Caveat("Left out", text) for text in job.decision.left_out]
        caveats += [Caveat("Flag", FLAGS.get(flag, flag)) for flag in job.decision.flags]
    if detectable := _detectable(job):
        caveats.append(Caveat("Could have seen", detectable))
    caveats += [Caveat(f"Check: {f.level}", f.message) for f in job.checks if f.level != "note"]
    caveats.append(Caveat("Scope", "claims are about the prompts that were tried, no others"))
    return tuple(caveats)


def _untested(job: JobRecord, decision: Decision) -> list[str]:
    """What nobody looked at, as clauses; what tuning costs may be known since training."""
    known = {"fine_tune"} if shown_payback(job) else set()
    untested = [r for r in decision.rules if r.status == "not_tested" and r.verdict not in known]
    found = [_as_clause(rule.title) for rule in untested]
    if any(f"{AUDIT}: not tested" in rule.evidence for rule in decision.rules):
        found.append("a person who reads the cases finds their labels right (audit)")
    return found


def _as_clause(title: str) -> str:
    """A rule's title inside a sentence."""
    return title[0].lower() + title[1:]


def _looks(job: JobRecord, told: Disclosure) -> str:
    if not job.shipping or not job.shipping.look:
        opened = any(sealed_runs(job))
        return "run, not judged yet" if opened else "not looked at"
    look, alpha = job.shipping.look, job.shipping.alpha
    shown = told.texts and told.sealed
    outputs = "shows its outputs, so it counts as opened" if shown else "does not show its outputs"
    chance = f"at most {numbers.level(alpha)} of such looks find a gain where there is none"
    return f"look {look}; {chance} (\u03b1 = {numbers.decimal(alpha)}); this report {outputs}"


class ErrorCount(NamedTuple):
    """How many results of a split have no score."""

    split: Literal["dev", "test"]
    results: int
    without_score: int


def errors_by_split(job: JobRecord) -> tuple[ErrorCount, ...]:
    """Errors of the runs that decide, the sealed split first: neither right nor wrong."""
    sealed = [run for run in sealed_runs(job) if run]
    found = (_count_errors("test", sealed), _count_errors("dev", dev_runs(job)))
    return tuple(each for each in found if each.results)


def _count_errors(split: Literal["dev", "test"], runs: Sequence[Run]) -> ErrorCount:
    results = sum(len(run.results) for run in runs)
    return ErrorCount(split, results, sum(len(run.errors) for run in runs))


def _errors(job: JobRecord) -> str:
    parts = [
        f"{numbers.count(each.without_score)} of {numbers.count(each.results)} "
        f"{'sealed' if each.split == 'test' else each.split} results"
        for each in errors_by_split(job)
    ]
    if not parts:
        return "nothing was run"
    return f"no output or no score in {' and '.join(parts)}"


def _inconclusive(job: JobRecord) -> list[str]:
    parts = []
    if job.shipping and job.shipping.verdict == "inconclusive":
        parts.append("the verdict on the adapter" + _needed(job.shipping.cases_needed))
    elif job.decision and job.decision.verdict == "more_cases" and not job.shipping:
        parts.append("the gate" + _needed(job.decision.cases_needed))
    guards = job.shipping.guards if job.shipping else ()
    open_guards = [g for g in guards if g.result == "inconclusive"]
    return parts + [f"guard {g.suite}" + _needed(g.cases_needed) for g in open_guards]


def _needed(cases: int | None) -> str:
    return f" ({numbers.count(cases)} cases needed)" if cases else ""


class Detectable(NamedTuple):
    """The smallest true gain that so many sealed cases find 8 times in 10."""

    gain: float
    cases: int


def detectable_gain(job: JobRecord) -> Detectable | None:
    """What so many sealed cases find, as widely as they scatter; None where nothing was compared.

    The lower bound lies as far below a gain as it does below the one seen, and the gain itself
    varies by a standard error, which is the interval's width over the quantiles of its two bounds:
    clusters, graded scores and several trainings are in both.
    """
    ship = job.shipping
    compared = ship.wins + ship.losses + ship.ties if ship else 0
    if not ship or not compared:
        return None
    gained = ship.sealed.gain
    quantiles = one_sided_z(ship.alpha) + one_sided_z(1 - gained.level)
    error = (gained.high - gained.low) / quantiles
    found = gained.estimate - gained.low + one_sided_z(1 - POWER) * error
    return Detectable(found, compared) if 0 < found < 1 else None


def _detectable(job: JobRecord) -> str:
    found = detectable_gain(job)
    if found is None:
        return ""
    return (
        f"a true gain of {numbers.score(found.gain)} is found 8 times in 10 with "
        f"{numbers.count(found.cases)} sealed cases"
    )
