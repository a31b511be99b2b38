"""Jobs that are not finished, or ended early: what a report is often asked to show."""

from __future__ import annotations

from dataclasses import replace

from tests.reports.sample_job import sample_job
from tuning.records import Decision, JobRecord


def small_job() -> JobRecord:
    """The whole job with few cases."""
    return sample_job(test_cases=24, dev_cases=12, guard_cases=12)


def nothing_run() -> JobRecord:
    """A suite that has only been checked."""
    return replace(
        gate_only(), decision=None, runs={}, cases={}, phases=(), commands=(), environment={}
    )


def one_run() -> JobRecord:
    """One prompt on dev cases, no decision."""
    job = small_job()
    runs = {"dev00001": job.runs["dev00001"]}
    return replace(gate_only(), decision=None, runs=runs)


def gate_only() -> JobRecord:
    """The gate has decided; nothing was trained and the sealed split is sealed."""
    job = small_job()
    runs = {key: run for key, run in job.runs.items() if run.split == "dev"}
    return replace(
        job,
        runs=runs,
        training=None,
        shipping=None,
        leader_test=None,
        adapter_test=None,
        adapter_dev=None,
    )


def fix_evals() -> JobRecord:
    """Too few cases to ever decide: refused, with a provisional ranking."""
    return _decided(
        verdict="fix_evals",
        sentence="12 dev cases can never show that prompting has run out.",
        next_steps=("Add dev cases: 250 are needed",),
        plateau=False,
        flags=("floor",),
        cases=12,
        cases_needed=250,
        provisional="'spec + 4 nearest' leads so far.",
    )


def prompt_suffices() -> JobRecord:
    """The leader reaches the target: no training happens."""
    return _decided(
        verdict="prompt_suffices", sentence="The best prompt reaches the target.", plateau=False
    )


def trained_not_judged() -> JobRecord:
    """Killed between training and the sealed split, after an override."""
    job = gate_only()
    return replace(job, training=small_job().training, override="the demo is on Friday")


def leader_sealed_only() -> JobRecord:
    """The best prompt was run on the sealed cases, the adapter was not."""
    job = small_job()
    return replace(job, shipping=None, adapter_test=None, adapter_dev=None, training=None)


PARTIAL = (
    nothing_run,
    one_run,
    gate_only,
    fix_evals,
    prompt_suffices,
    trained_not_judged,
    leader_sealed_only,
)


def _decided(**changes: object) -> JobRecord:
    job = gate_only()
    assert job.decision is not None
    decision: Decision = replace(job.decision, **changes)  # type: ignore[arg-type]
    return replace(job, decision=decision)
