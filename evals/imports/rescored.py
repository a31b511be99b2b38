"""Outputs of a file scored by a suite's own scorers, as if they had been made here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from evals.errors import RecordError, ScorerError
from evals.imports.records import ImportedCase
from evals.imports.repeats import mean_score, output_of
from evals.records import Case, CaseResult, Output, Score
from evals.scorers.batch import score_many
from evals.scorers.protocol import Scorer

Judged = Mapping[str, list[list[Score | ScorerError]]]


def rescore(
    attempts: Mapping[str, Sequence[ImportedCase]],
    cases: Mapping[str, Case],
    scorers: Mapping[str, Scorer],
    path: Path,
) -> dict[str, CaseResult]:
    """Results by case id, averaged over attempts, without their identity.

    An attempt without an output, or one that a scorer cannot judge, makes its case an error.
    Raises RecordError where no attempt has an output.
    """
    pairs = [
        (cases[identity], Output(attempt.output, "stop"))
        for identity, made in attempts.items()
        if _is_whole(made)
        for attempt in made
    ]
    if not pairs:
        raise RecordError(
            "no case of the file has an output to score", path=path, hint="leave --rescore away"
        )
    found = {name: iter(score_many(scorer, pairs)) for name, scorer in scorers.items()}
    results: dict[str, CaseResult] = {}
    for identity, made in attempts.items():
        output = output_of(made)
        if not _is_whole(made):
            said = None if output.error else "the file has no output for this case"
            results[identity] = CaseResult(identity, "", "", output, error=said)
            continue
        scores = {name: [next(stream) for _ in made] for name, stream in found.items()}
        failure = next((s for each in scores.values() for s in each if _failed(s)), None)
        if isinstance(failure, ScorerError):
            results[identity] = CaseResult(identity, "", "", output, error=failure.message)
            continue
        told = {
            name: _one([s for s in each if isinstance(s, Score)]) for name, each in scores.items()
        }
        results[identity] = CaseResult(identity, "", "", output, told)
    return results


def _is_whole(made: Sequence[ImportedCase]) -> bool:
    return all(each.output is not None and each.error is None for each in made)


def _failed(score: Score | ScorerError) -> bool:
    return isinstance(score, ScorerError)


def _one(scores: Sequence[Score]) -> Score:
    """A single score as it is, with its reason; several by their mean."""
    return scores[0] if len(scores) == 1 else mean_score([score.value for score in scores])
