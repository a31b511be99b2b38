"""Which demonstrations each case is shown, by any method."""

from __future__ import annotations

from collections.abc import Sequence

from evals.approach import DemonstrationMethod
from evals.errors import SuiteError
from evals.prompting.demonstrations.fixed import diverse, named, static
from evals.prompting.demonstrations.leaks import leaks_of
from evals.prompting.demonstrations.ranked import nearest, similar
from evals.records import Candidate, Case
from evals.suite.spec import Suite


def demonstrations_of(
    suite: Suite, candidate: Candidate, cases: Sequence[Case]
) -> list[tuple[Case, ...]]:
    """For each case what the candidate shows it. Raises SuiteError as `select` does."""
    found = candidate.found.listed if candidate.found else ()
    if candidate.demonstrations == "searched" and len(found) != candidate.k:
        raise SuiteError(
            f"{candidate.label}: no search has found its {candidate.k} demonstrations yet",
            key="rounds",
            hint="`tunegate run` searches for them",
        )
    return select(
        candidate.demonstrations,
        candidate.k,
        candidate.seed,
        pool=suite.cases,
        cases=cases,
        listed=found or candidate.listed,
    )


def select(
    method: DemonstrationMethod,
    k: int,
    seed: int,
    *,
    pool: Sequence[Case],
    cases: Sequence[Case],
    listed: Sequence[str] = (),
) -> list[tuple[Case, ...]]:
    """For each of `cases`, the demonstrations to show it, most relevant last.

    `pool` is every case of the suite; only its train cases are shown, and never one that leaks
    (`evals.prompting.demonstrations.leaks`). The same for every case: `static`, `diverse`, and
    those whose ids are `listed` (by a person, or `searched`). For each its own: `nearest` and
    `similar`. Raises SuiteError if train has fewer than k usable cases, or a listed one is not
    usable; MissingExtraError where `similar` has no embeddings.
    """
    if method == "none" or k == 0 or not cases:
        return [() for _ in cases]
    leaks = leaks_of(pool)
    if method in ("listed", "searched"):
        return named(listed, leaks, cases)
    if len(leaks.usable) < k:
        raise SuiteError(
            f"{k} demonstrations were asked for and the train split has {len(leaks.usable)} cases",
            key="rounds",
            hint="add train cases or lower k",
        )
    if method == "static":
        return static(k, seed, leaks, cases)
    if method == "diverse":
        return diverse(k, seed, leaks, cases)
    if method == "nearest":
        return nearest(k, leaks, cases)
    return similar(k, leaks, pool, cases)
