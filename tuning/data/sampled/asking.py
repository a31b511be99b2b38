"""Who is asked, about which train cases, and how: nothing of dev or test ever is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from evals.approach import PLAIN, Approach, Technique
from evals.errors import NothingRunError
from evals.ledger import Ledger
from evals.models.protocol import Model
from evals.prompting import changed_since, make_candidate
from evals.prompting.demonstrations import leaks_of
from evals.records import Candidate, Case, Run
from evals.suite.spec import Suite
from tuning.data.dataset import carried
from tuning.data.sampled.records import SamplePlan
from tuning.evaluating import EvaluateCases
from tuning.records import JobRecord
from tuning.stored import JOB, job_key

_SEEDS = 2**31
"""Seeds stay below: the most that every endpoint takes."""


class Leader(NamedTuple):
    """The candidate that a stored decision names; None with `why` where there is none to use."""

    candidate: Candidate | None
    why: str = ""


def stored_leader(suite: Suite, ledger: Ledger, model: str) -> Leader:
    """The gate's leader on `model`, if its decision is stored and the suite still asks so."""
    leader = _leader(suite, ledger, model)
    if leader is None:
        return Leader(None, f"no decision of the gate on {model} is stored")
    if changed := changed_since(suite, leader):
        said = f"{' and '.join(changed)} changed since the gate named '{leader.label}'"
        return Leader(None, said)
    return Leader(leader)


def _leader(suite: Suite, ledger: Ledger, model: str) -> Candidate | None:
    record = ledger.load(JOB, job_key(suite.name, model), JobRecord)
    name = record.decision.leader if record and record.decision else ""
    run = ledger.find_run(name) if name else None
    return run.candidate if run else None


def adapter_technique(suite: Suite, ledger: Ledger, model: str) -> Technique:
    """What an adapter of `model` keeps of the gate's leader: what examples are rendered with."""
    leader = _leader(suite, ledger, model)
    return carried(leader.technique if leader else PLAIN, suite.tune)


def sampled_candidate(
    suite: Suite, model: Model, prompt: str, approach: Approach, like: Candidate | None = None
) -> Candidate:
    """The candidate that is drawn from: votes are left to the sampling, each draw is one answer.

    `like` is the candidate of which `prompt` and `approach` are, if any, with what a search put
    into it. Raises SuiteError as `make_candidate` does.
    """
    technique = replace(approach.technique, votes=1, temperature=0.0)
    found = like.found if like else None
    how = replace(approach, technique=technique)
    return make_candidate(apart(suite), model, prompt, how, found=found)


def draws_of(candidate: Candidate, plan: SamplePlan) -> tuple[Candidate, ...]:
    """The candidate once for each draw: warm, and apart in their seeds."""
    first = plan.seed * plan.times
    return tuple(
        replace(
            candidate,
            decoding=replace(
                candidate.decoding, temperature=plan.temperature, seed=(first + n) % _SEEDS
            ),
        )
        for n in range(plan.times)
    )


def apart(suite: Suite) -> Suite:
    """The suite without train cases that read the same, or nearly so, as one of dev or test.

    Neither asked nor shown: a train case may be shown to others that dev itself is not shown to.
    """
    leaks = leaks_of(suite.cases)
    if not leaks.to_held_out:
        return suite
    left = tuple(case for case in suite.cases if case.id not in leaks.to_held_out)
    return replace(suite, cases=left)


def ask(
    suite: Suite, candidate: Candidate, plan: SamplePlan, evaluate: EvaluateCases
) -> tuple[tuple[Case, ...], tuple[Run, ...]]:
    """The cases, and one run over them for each draw. Their outputs are kept, the runs are not.

    Asked is each train case of one question and one written answer that stands in train alone.
    Raises NothingRunError where no train case can be asked, and as running does.
    """
    clean = apart(suite)
    cases = tuple(case for case in clean.split("train") if case.is_plain)
    if not cases:
        raise NothingRunError(
            f"{suite.name} has no train case to draw answers of",
            path=suite.root / "suite.yaml",
            key="cases",
            hint="needed are cases of one written answer that stand in train alone",
        )
    runs = [
        evaluate(clean, one, "train", _label(candidate, number, plan), cases=cases, keep=False)
        for number, one in enumerate(draws_of(candidate, plan), 1)
    ]
    return cases, tuple(runs)


def _label(candidate: Candidate, number: int, plan: SamplePlan) -> str:
    return f"draw {number} of {plan.times}: {candidate.label} on {candidate.model}"


def left_out(suite: Suite, asked: Sequence[Case]) -> tuple[str, ...]:
    """Ids of the train cases that are not asked."""
    names = {case.id for case in asked}
    return tuple(case.id for case in suite.split("train") if case.id not in names)
