"""Tables of scores for tests: by case id, without a model or a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evals.regression.records import Baseline, GateDefinition, Recipe, ScoredCase

METRICS = {"accuracy": "accuracy-1"}
RULES: Mapping[str, Any] = {
    "ci.split": "dev",
    "ci.max_loss": 0.05,
    "ci.on_inconclusive": "warn",
    "ci.pass_score": 1.0,
}


def table(
    scores: Sequence[float | None],
    *,
    metric: str = "accuracy",
    clusters: Sequence[str | None] | None = None,
    changed: Sequence[int] = (),
) -> dict[str, ScoredCase]:
    """Cases c0, c1, ...; None is an error, and `changed` cases have another content."""
    return {
        f"c{n}": ScoredCase(
            case=f"print-{n}{'-changed' if n in changed else ''}",
            request=f"asked-{n}",
            output=f"said-{n}-{score}",
            scores={} if score is None else {metric: score},
            cluster=clusters[n] if clusters else None,
            error="no answer" if score is None else None,
        )
        for n, score in enumerate(scores)
    }


def definition(
    cases: Mapping[str, ScoredCase], *, must_pass: Sequence[str] = (), **rules: Any
) -> GateDefinition:
    """A gate over these cases; `rules` by their last word, e.g. `max_loss=0.1`."""
    stated = {f"ci.{key}": value for key, value in rules.items()}
    return GateDefinition(
        primary="accuracy",
        metrics=METRICS,
        rules={**RULES, **stated},
        cases={name: case.case for name, case in cases.items()},
        must_pass=tuple(must_pass),
    )


def baseline(cases: Mapping[str, ScoredCase], **changes: Any) -> Baseline:
    """A baseline of these cases."""
    told: dict[str, Any] = {
        "suite": "tickets",
        "split": "dev",
        "recipe": Recipe("scripted:model.json", "spec"),
        "definition": definition(cases),
        "identity": {"model": "m1", "model.weights": "w1", "prompt": "p1"},
        "runs": ("tickets-dev-0123456789",),
        "by": "Ada",
        "when": "2026-11-22T08:00:00+00:00",
        "why": "the first",
        "cases": cases,
    }
    return Baseline(**(told | changes))
