"""How to get the same numbers again: commands, fingerprints, versions, times."""

from __future__ import annotations

from dataclasses import dataclass

from evals.records import Run
from evals.regression.recipes import candidate_line
from reports import numbers
from reports.stored import leader_run, run_label, sealed_runs
from tuning.records import JobRecord


@dataclass(frozen=True)
class PhaseRow:
    """A stage of the job with its time and its share of the whole, for a bar."""

    name: str
    duration: str
    share: str
    width: str


@dataclass(frozen=True)
class ReproduceView:
    """What to run and what it was run with."""

    commands: tuple[str, ...]
    identities: tuple[tuple[str, str], ...]
    environment: tuple[tuple[str, str], ...]
    runs: tuple[tuple[str, str, str, str], ...]
    phases: tuple[PhaseRow, ...]
    total: str


def reproduce_view(job: JobRecord) -> ReproduceView:
    """Commands, the identity of everything that counts, the environment, the phases."""
    total = sum(phase.seconds for phase in job.phases)
    return ReproduceView(
        commands=commands_of(job),
        identities=_identities(job),
        environment=tuple((name, str(value)) for name, value in sorted(job.environment.items())),
        runs=tuple(
            (run.id, run_label(run, job.model), run.split, run.candidate.fingerprint)
            for run in reproduced_runs(job)
        ),
        phases=tuple(
            PhaseRow(
                phase.name,
                numbers.duration(phase.seconds),
                numbers.percent(phase.seconds / total) if total else "",
                f"{100 * phase.seconds / total:.2f}%" if total else "0%",
            )
            for phase in job.phases
        ),
        total=numbers.duration(total),
    )


def commands_of(job: JobRecord) -> tuple[str, ...]:
    """What to run to get the same again."""
    return job.commands or (f"tunegate run {job.suite}",)


def reproduced_runs(job: JobRecord) -> list[Run]:
    """Every stored run once: this suite's by split, then the guards'."""
    return sorted(
        job.runs.values(), key=lambda run: (run.suite != job.suite, run.suite, run.split, run.id)
    )


def _identities(job: JobRecord) -> tuple[tuple[str, str], ...]:
    rows = [("suite", job.suite), ("model", job.model)]
    leader = leader_run(job)
    if leader and (line := candidate_line(leader)):
        rows.append(("best prompt, as suite.yaml states it", line))
    rows += [(f"{split} cases", numbers.count(size)) for split, size in job.split_sizes.items()]
    run = next((r for r in sealed_runs(job) if r), None) or leader_run(job)
    if run:
        rows += [
            ("suite fingerprint", run.suite_fingerprint),
            ("scoring fingerprint", run.scoring_fingerprint),
            ("model fingerprint", run.candidate.model_fingerprint),
            ("decoding", _decoding(run)),
        ]
    if job.training:
        rows += [
            ("adapter", job.training.adapter),
            ("adapter lies at", job.training.adapter_path),
            ("training data fingerprint", job.training.data_fingerprint),
            ("chat template hash", job.training.template_hash),
        ]
    return tuple(rows)


def _decoding(run: Run) -> str:
    decoding = run.candidate.decoding
    how = "greedy" if decoding.temperature == 0 else f"temperature {decoding.temperature:g}"
    if decoding.temperature:
        how += f", top-p {decoding.top_p:g}, seed {decoding.seed}"
    return f"{how}, at most {decoding.max_tokens} tokens"
