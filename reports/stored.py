"""Looking things up in a job's records, and the one word for what was never run."""

from __future__ import annotations

from dataclasses import dataclass

from evals.errors import RecordError
from evals.records import Run
from tuning.records import JobRecord, TrialLine


@dataclass(frozen=True)
class NotRun:
    """A part of the report that has nothing to show yet, and how to get it."""

    what: str
    command: str


def stored_run(job: JobRecord, run_id: str) -> Run:
    """A run by id. Raises RecordError when the record names a run that it does not hold."""
    if run_id not in job.runs:
        raise RecordError(
            f"the job of suite {job.suite!r} names run {run_id!r}, which is not stored",
            key=run_id,
            hint="run `tunegate runs` to see what is; the ledger may have been pruned",
        )
    return job.runs[run_id]


def sealed_runs(job: JobRecord) -> tuple[Run | None, Run | None]:
    """The runs on the sealed split: the best prompt's and the adapter's."""
    leader = stored_run(job, job.leader_test) if job.leader_test else None
    adapter = stored_run(job, job.adapter_test) if job.adapter_test else None
    return leader, adapter


def dev_runs(job: JobRecord) -> tuple[Run, ...]:
    """Runs of prompt candidates on this suite's dev split, in a fixed order.

    Those of models to compare, and of the cases' own documents, are not among them.
    """
    others = {line.run_id for line in job.decision.stronger} if job.decision else set()
    if job.decision and job.decision.oracle:
        others.add(job.decision.oracle.run_id)
    runs = [
        run
        for run in job.runs.values()
        if run.suite == job.suite
        and run.split == "dev"
        and not run.candidate.adapter
        and run.id not in others
    ]
    return tuple(sorted(runs, key=lambda run: (run.created, run.id)))


def adapter_dev_runs(job: JobRecord) -> tuple[Run, ...]:
    """Runs of adapters on this suite's dev split, whatever prompt they were asked with."""
    runs = [
        run
        for run in job.runs.values()
        if run.suite == job.suite and run.split == "dev" and run.candidate.adapter
    ]
    return tuple(sorted(runs, key=lambda run: (run.created, run.id)))


def run_label(run: Run, model: str) -> str:
    """A run's candidate, and its model where that is another than `model`; all of it if empty."""
    candidate = run.candidate
    if not model or candidate.model == model:
        return candidate.label
    return f"{candidate.label} on {candidate.model}"


def compared_run(job: JobRecord) -> Run | None:
    """The run of the best of the other models that make the gate's verdict; else None."""
    if job.decision is None or job.decision.verdict != "try_stronger_model":
        return None
    lines = [line for line in job.decision.stronger if line.suffices and line.score]
    best = max(lines, key=lambda line: line.score.estimate if line.score else 0.0, default=None)
    return stored_run(job, best.run_id) if best and best.run_id else None


def is_named(trial: TrialLine, name: str | None) -> bool:
    """Whether a decision's `leader` or `anchor` names this trial, by run id or by label."""
    return name is not None and name in (trial.run_id, trial.label)


def leader_run(job: JobRecord) -> Run | None:
    """The dev run of the leader; without a decision the run with the highest mean."""
    if job.decision:
        for trial in job.decision.trials:
            if is_named(trial, job.decision.leader):
                return job.runs.get(trial.run_id)
    scored = [run for run in dev_runs(job) if run.values()]
    return max(scored, key=mean_score) if scored else None


def mean_score(run: Run) -> float:
    """Mean of the primary metric over the cases that have a score."""
    values = run.values()
    return sum(values.values()) / len(values)
