"""Records with every field filled, so that every key of a report has something to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass, replace
from types import NoneType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from evals.failures.records import FailureAnalysis
from evals.judges.records import JudgeStanding
from evals.records import Run, Turn
from evals.repeats import OverRepeats, RepeatLevel
from evals.retrieval.recall import Recall
from evals.spending.records import Spending
from tests.reports.parts_job import with_parts
from tests.reports.sample_job import sample_job
from tuning.forgetting.records import TextChange, Tradeoff
from tuning.learning.records import LearningCurve
from tuning.records import (
    CallCost,
    CostStanding,
    JobRecord,
    OracleLine,
    RoundLine,
    SeedLine,
    Seeds,
    StageRecord,
    StrongerLine,
    TrainingEstimate,
)
from tuning.sweeping.records import SweepRecord
from tuning.together.records import Together

T = TypeVar("T")

_SIMPLE: dict[Any, Any] = {str: "text", int: 3, float: 0.25, bool: True}


def filled(kind: type[T], **others: Any) -> T:
    """A record with a value in every field; of what may be none, some."""
    hints = get_type_hints(kind)
    named = {name: others.get(name, _value(hint)) for name, hint in hints.items()}
    return kind(**named)


def _value(hint: Any) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    if origin is Literal:
        return next(word for word in inner if word)
    if origin is tuple:
        return (_value(inner[0]),)
    if origin is Mapping:
        return {_value(inner[0]): _value(inner[1])}
    if is_dataclass(hint):
        return filled(hint) if isinstance(hint, type) else None
    return _value(next(kind for kind in inner if kind is not NoneType))


def filled_job() -> JobRecord:
    """The sample job, small, with all that a job may hold beside."""
    job = sample_job(test_cases=24, dev_cases=12, guard_cases=12)
    decision, shipping, training = job.decision, job.shipping, job.training
    assert decision is not None
    assert shipping is not None
    assert training is not None
    runs = {name: _whole_run(run) for name, run in job.runs.items()}
    trials = tuple(
        replace(trial, cost=filled(CallCost), wins=3, losses=1) for trial in decision.trials
    )
    stronger = filled(StrongerLine, run_id="dev00001")
    decision = replace(
        decision,
        trials=trials,
        judges=(filled(JudgeStanding),),
        stronger=(stronger,),
        oracle=filled(OracleLine, run_id="dev00000"),
        recalls=(filled(Recall),),
        rounds=(filled(RoundLine),),
        flags=("floor",),
        left_out=("one run is of another model",),
        provisional="it leads",
        stated="candidate: {prompt: spec}",
        dev_look=1,
        would_train=TrainingEstimate(600.0, 1200.0, "by how fast the dev runs were"),
        cases_needed=300,
    )
    line = filled(SeedLine, guards=shipping.guards)
    shipping = replace(
        shipping,
        cost=filled(CostStanding),
        before_cost=filled(CallCost),
        after_cost=filled(CallCost),
        text=filled(TextChange),
        seeds=filled(Seeds, lines=(line,)),
        cases_needed=400,
        guards=tuple(replace(guard, cases_needed=500) for guard in shipping.guards),
    )
    training = replace(
        training,
        parent="earlier",
        ended="the budget was used",
        sweep=filled(SweepRecord),
        stages=(filled(StageRecord),),
        curve=(*training.curve, *filled(StageRecord).curve),
    )
    cases = {
        key: replace(case, must_pass=True, turns=(Turn("and then?", "yes", "yes"),))
        for key, case in job.cases.items()
    }
    return replace(
        job,
        decision=decision,
        shipping=shipping,
        training=training,
        siblings=(training,),
        runs=runs,
        cases=cases,
        override="the demo is on Friday",
        templates={"dev00005": "Answer {{ case.question }}."},
        over_repeats=filled(OverRepeats, times=1, levels=(filled(RepeatLevel, count=1),)),
        learning=filled(LearningCurve),
        tradeoff=filled(Tradeoff),
        together=filled(Together),
        failures=(filled(FailureAnalysis, run="dev00000"),),
    )


def _whole_run(run: Run) -> Run:
    run = with_parts(run)
    results = tuple(
        replace(
            result,
            cluster=f"cluster {number % 12}",
            output=result.output
            if result.failed
            else replace(result.output, full="Hm. It is so.", ballots=("this", "that", "this")),
        )
        for number, result in enumerate(run.results)
    )
    decoding = replace(run.candidate.decoding, stop=("END",))
    candidate = replace(run.candidate, decoding=decoding)
    return replace(run, candidate=candidate, results=results, spent=filled(Spending))
