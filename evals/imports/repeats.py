"""Several attempts at one case become one result: scores are averaged, any failure is kept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from evals.imports.metrics import Metrics
from evals.imports.records import ImportedCase
from evals.records import CaseResult, FinishReason, Output, Score
from evals.repeats import mean_of_repeats


def averaged(made: Sequence[ImportedCase], metrics: Metrics) -> CaseResult:
    """The scores of one case, averaged over its attempts, as a result without its identity."""
    first = made[0]
    output = output_of(made)
    values = {name: [each.scores.get(name) for each in made] for name in metrics.names}
    if output.error is not None:
        return CaseResult(first.id, "", "", output)
    numbers = [None if v is None or math.isnan(v) else v for v in values[metrics.primary]]
    if mean_of_repeats(numbers) is None:
        said = f"no score {metrics.primary!r:.80} in the file"
        return CaseResult(first.id, "", "", output, error=said)
    scores = {name: mean_score([v for v in each if v is not None]) for name, each in values.items()}
    return CaseResult(first.id, "", "", output, scores)


def mean_score(values: Sequence[float]) -> Score:
    """One score for several attempts; it says from which."""
    if len(values) == 1:
        return Score(values[0])
    shown = ", ".join(f"{value:g}" for value in values[:8]) + (", …" if len(values) > 8 else "")
    return Score(fmean(values), f"mean of {len(values)} attempts: {shown}")


def output_of(made: Sequence[ImportedCase]) -> Output:
    """The first attempt's output, or the error that stands for the case where any failed."""
    failed = [each.error for each in made if each.error is not None]
    several = f"{len(failed)} of {len(made)} attempts failed: " if len(made) > 1 else ""
    reason: FinishReason = "choice" if made[0].choices else "stop"
    return Output(
        text=None if failed else made[0].output,
        finish_reason="error" if failed else reason,
        prompt_tokens=sum(each.prompt_tokens for each in made),
        completion_tokens=sum(each.completion_tokens for each in made),
        seconds=sum(each.seconds for each in made),
        error=several + failed[0] if failed else None,
    )
