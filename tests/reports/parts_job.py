"""The sample job with parts in its scores: fields, few and many labels, turns, scorers."""

from __future__ import annotations

import random
from dataclasses import replace

from evals.records import CaseResult, Part, Run, Score
from tests.reports.sample_job import sample_job
from tuning.records import JobRecord

TEAMS = ("billing", "login", "outage", "a request for a new feature")
TOPICS = tuple(f"topic {n:02d}" for n in range(24))
FIELDS = ("team", "customer.name", "items[0].sku", "items[1].sku", "items[0].count", "total")


def parts_job(test_cases: int = 120) -> JobRecord:
    """A job of which every run's scores have parts; better ones where an adapter answered."""
    job = sample_job(test_cases=test_cases, dev_cases=60, guard_cases=12)
    return replace(job, runs={name: with_parts(run) for name, run in job.runs.items()})


def with_parts(run: Run) -> Run:
    random_ = random.Random(run.id)
    skill = 0.9 if run.candidate.adapter else 0.6
    results = tuple(
        result if result.failed else _scored(result, random_, skill) for result in run.results
    )
    return replace(run, results=results)


def _scored(result: CaseResult, random_: random.Random, skill: float) -> CaseResult:
    correct = result.scores["correct"]
    own = tuple(Part("turn", str(n), random_.random() < skill - n / 20) for n in range(1, 6))
    scorers = tuple(Part("scorer", name, random_.random()) for name in ("form", "tone"))
    more = {
        "correct": replace(correct, parts=own + scorers),
        "fields": Score(0.5, parts=tuple(_field(name, random_, skill) for name in FIELDS)),
        "team": Score(0.5, parts=(_label(TEAMS, random_, skill, none=0.1),)),
        "topic": Score(0.5, parts=(_label(TOPICS, random_, skill, none=0.02),)),
    }
    return replace(result, scores={**result.scores, **more})


def _field(name: str, random_: random.Random, skill: float) -> Part:
    right = random_.random() < skill
    return Part(
        "field", name, float(right), '"x"', '"x"' if right else random_.choice(['"y"', None])
    )


def _label(names: tuple[str, ...], random_: random.Random, skill: float, none: float) -> Part:
    expected = random_.choice(names[: 1 + len(names) // 2])
    got = expected if random_.random() < skill else random_.choice(names)
    said = None if random_.random() < none else got
    return Part("label", "label", float(said == expected), expected, said)
