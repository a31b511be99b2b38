"""Two sets of scores over the same cases, paired case by case: B minus A, and what it means.

A case that ended without a score in either set is a third state. The comparison over the
cases scored in both is primary; next to it stand the bounds that result when every error is
counted against B, and for B, and a margin or a gain is judged by the worse of them. Above
`MAX_ERROR_SHARE` nothing is claimed at all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, filterfalse
from typing import Literal, NamedTuple

from evals.claims import (
    MAX_ERROR_SHARE,
    GainCheck,
    MarginCheck,
    check_gain,
    check_margin,
    open_said,
)
from evals.errors import RecordError, StatisticsError
from evals.records import Run
from evals.repeats import by_case, check_repeats, mean_of_repeats, scores_of
from evals.rounding import points_span
from evals.score_file import ScoreFile, read_scores
from evals.stats import BoundedDifference, PairedDifference, bounded_difference
from evals.text import visible

__all__ = [
    "MAX_ERROR_SHARE",
    "Comparison",
    "GainCheck",
    "MarginCheck",
    "ScoreFile",
    "WorstCase",
    "check_gain",
    "check_margin",
    "compare_files",
    "compare_repeats",
    "compare_runs",
    "compare_scores",
    "points",
    "read_scores",
]

MIN_SHARED_SHARE = 0.5
"""Below this share of the larger side, two sets are not results over the same cases."""


class WorstCase(NamedTuple):
    """What errors could hide: the comparison with every error counted against B, and for B."""

    estimate_against: float
    low_against: float
    estimate_for: float
    high_for: float


@dataclass(frozen=True)
class Comparison:
    """B minus A over the cases both have, unchanged and scored. Differences lie in [-1, 1].

    `low` and `high` are two-sided at `level`. `direction` is "better" or "worse" only where
    the interval excludes zero and errors are few; "none" never means equal. `errors_a` and
    `errors_b` are shared cases without a score, `changed` cases that differ in content.
    """

    name_a: str
    name_b: str
    cases: int
    mean_a: float
    mean_b: float
    estimate: float
    low: float
    high: float
    level: float
    wins: int
    losses: int
    ties: int
    p_value: float
    method: str
    direction: Literal["better", "worse", "none"]
    verdict: str
    only_in_a: tuple[str, ...] = ()
    only_in_b: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    errors_a: tuple[str, ...] = ()
    errors_b: tuple[str, ...] = ()
    error_share: float = 0.0
    worst_case: WorstCase | None = None
    margin: MarginCheck | None = None
    gain: GainCheck | None = None
    format: int = 1

    @property
    def p_name(self) -> str:
        """What `p_value` is: McNemar's mid-p of independent cases that are right or wrong."""
        return "mid-p" if self.method == "Tango's score method" else "p (score test)"

    def open_said(self, check: MarginCheck | GainCheck) -> str:
        """Why its margin or gain is inconclusive, and what would settle it; empty where not."""
        errors = len({*self.errors_a, *self.errors_b})
        return open_said(check, errors, claims=not self.too_many_errors)

    @property
    def too_many_errors(self) -> bool:
        """Whether errors are so many that nothing is claimed."""
        return self.error_share > MAX_ERROR_SHARE


class _Question(NamedTuple):
    """What is asked of a pairing, and what the two sides are called."""

    level: float
    margin: float | None
    min_gain: float | None
    names: tuple[str, str]


class _Sides(NamedTuple):
    """The scores of two sides by case id, and what keeps other cases out of the pairing."""

    a: Mapping[str, float]
    b: Mapping[str, float]
    errors_a: Collection[str]
    errors_b: Collection[str]
    changed: frozenset[str] = frozenset()


class _Rows(NamedTuple):
    """Two sides brought together: the shared, unchanged cases with their scores (None: an error).

    `larger` is how many cases the larger side has.
    """

    cases: list[str]
    a: list[float | None]
    b: list[float | None]
    larger: int
    only_in_a: tuple[str, ...]
    only_in_b: tuple[str, ...]
    changed: tuple[str, ...]


def compare_scores(
    a: Mapping[str, float],
    b: Mapping[str, float],
    *,
    clusters: Mapping[str, str | None] | None = None,
    errors_a: Collection[str] = (),
    errors_b: Collection[str] = (),
    level: float = 0.95,
    margin: float | None = None,
    min_gain: float | None = None,
    names: tuple[str, str] = ("A", "B"),
) -> Comparison:
    """Compare scores by case id, B minus A.

    `a`, `b`: scores in [0, 1]; `errors_a`, `errors_b`: ids of cases that ended without one;
    `clusters`: names for those cases that are not independent of each other.

    Raises `StatisticsError` on invalid scores, when no case is scored in both, when fewer
    than half of the larger side's cases are shared, and below 10 clusters.
    """
    sides = _Sides(a, b, errors_a, errors_b)
    return _compare(sides, clusters or {}, _Question(level, margin, min_gain, names))


def compare_files(
    a: ScoreFile,
    b: ScoreFile,
    *,
    level: float = 0.95,
    margin: float | None = None,
    min_gain: float | None = None,
) -> Comparison:
    """Compare two files of scores; clusters may stand in either, but must not contradict."""
    for case, cluster in b.clusters.items():
        if a.clusters.get(case, cluster) != cluster:
            here, there = visible(cluster, 60), visible(a.clusters[case], 60)
            raise RecordError(
                f"case '{visible(case, 60)}' is in cluster '{here}', but in '{there}' "
                f"according to {a.path}",
                path=b.path,
                key="cluster",
                hint="state one cluster for each case, in either file or the same in both",
            )
    sides = _Sides(a.scores, b.scores, a.errors, b.errors)
    _refuse_strangers(sides, b.path)
    question = _Question(level, margin, min_gain, ("A", "B"))
    return _compare(sides, {**a.clusters, **b.clusters}, question)


def compare_runs(
    run_a: Run,
    run_b: Run,
    *,
    level: float = 0.95,
    margin: float | None = None,
    min_gain: float | None = None,
) -> Comparison:
    """Compare two runs on their primary metric over the cases that both share unchanged.

    Raises `RecordError` where the runs were scored differently, and what `compare_scores`
    raises.
    """
    return compare_repeats([run_a], [run_b], level=level, margin=margin, min_gain=min_gain)


def compare_repeats(
    runs_a: Sequence[Run],
    runs_b: Sequence[Run],
    *,
    level: float = 0.95,
    margin: float | None = None,
    min_gain: float | None = None,
) -> Comparison:
    """Compare two candidates by their repeats, averaged case by case; see `compare_runs`.

    Raises `RecordError` also where the runs of a side are of different candidates or cases.
    """
    run_a, run_b = runs_a[0], runs_b[0]
    for run in (*runs_a[1:], *runs_b):
        _refuse_other_scoring(run_a, run)
    check_repeats(runs_a)
    check_repeats(runs_b)
    (a, errors_a), (b, errors_b) = _means(runs_a), _means(runs_b)
    prints = {result.case_id: result.case_fingerprint for result in run_a.results}
    changed = frozenset(
        result.case_id
        for result in run_b.results
        if prints.get(result.case_id, result.case_fingerprint) != result.case_fingerprint
    )
    sides = _Sides(a, b, errors_a, errors_b, changed)
    _refuse_strangers(sides)
    clusters = {result.case_id: result.cluster for result in run_a.results}
    names = (run_a.candidate.label, run_b.candidate.label)
    if names[0] == names[1]:
        names = ("A", "B")
    return _compare(sides, clusters, _Question(level, margin, min_gain, names))


def _refuse_strangers(sides: _Sides, path: str | None = None) -> None:
    """Raise StatisticsError where no case has the same id on both sides, naming one of each."""
    if not sides.a.keys().isdisjoint(sides.b):
        return
    a, b = [*sides.a, *sides.errors_a], [*sides.b, *sides.errors_b]
    if a and b and frozenset(a).isdisjoint(b):
        raise StatisticsError(
            f"A and B share no case: A has {len(a)}, the first is '{visible(a[0], 60)}'; "
            f"B has {len(b)}, the first is '{visible(b[0], 60)}'",
            path=path,
            key=None if path is None else "id",
            hint="cases are paired by id: give the same case the same id on both sides",
        )


def _refuse_other_scoring(run_a: Run, run_b: Run) -> None:
    if run_a.scoring_fingerprint != run_b.scoring_fingerprint or run_a.primary != run_b.primary:
        raise RecordError(
            f"runs {run_a.id} ({run_a.suite}, {run_a.primary}) and {run_b.id} ({run_b.suite}, "
            f"{run_b.primary}) were scored differently and cannot be compared",
            hint="score what is stored by the metrics of now: `tunegate eval SUITE --rescore`",
        )


def _means(runs: Sequence[Run]) -> tuple[dict[str, float], list[str]]:
    """The primary score of each case, averaged over repeats, and the cases without one."""
    found = {
        case: mean_of_repeats(scores_of(results, runs[0].primary))
        for case, results in by_case(runs).items()
    }
    scored = {case: mean for case, mean in found.items() if mean is not None}
    return scored, [case for case in found if case not in scored]


def points(difference: float) -> str:
    """A difference of scores as signed percentage points: "+12.0 points"."""
    return f"{100 * difference + 0.0:+.1f} points".replace("-0.0 ", "+0.0 ")


def _compare(
    sides: _Sides,
    clusters: Mapping[str, str | None],
    question: _Question,
) -> Comparison:
    rows = _pair_up(sides)
    scored = [x is not None and y is not None for x, y in zip(rows.a, rows.b, strict=True)]
    _refuse_too_few(len(rows.cases), sum(scored), rows.larger, len(sides.changed))
    bounds = bounded_difference(rows.a, rows.b, list(map(clusters.get, rows.cases)))
    pair = bounds.scored
    low, high = pair.interval(question.level)
    share = bounds.errors / len(rows.cases)
    claims = share <= MAX_ERROR_SHARE
    worst = _worst_case(bounds, question.level) if bounds.errors else None
    direction: Literal["better", "worse", "none"] = "none"
    if claims and low > 0:
        direction = "better"
    elif claims and high < 0:
        direction = "worse"
    margin, gain = question.margin, question.min_gain
    margin_check = None if margin is None else check_margin(bounds, margin, claims=claims)
    gain_check = None if gain is None else check_gain(bounds, gain, claims=claims)
    return Comparison(
        name_a=question.names[0],
        name_b=question.names[1],
        cases=pair.n,
        mean_a=_mean(compress(rows.a, scored)),
        mean_b=_mean(compress(rows.b, scored)),
        estimate=pair.estimate,
        low=low,
        high=high,
        level=question.level,
        wins=pair.wins,
        losses=pair.losses,
        ties=pair.ties,
        p_value=pair.p_value,
        method=pair.method,
        direction=direction,
        verdict=_verdict(pair, direction, share, worst, question),
        only_in_a=rows.only_in_a,
        only_in_b=rows.only_in_b,
        changed=rows.changed,
        errors_a=_among(rows.cases, sides.errors_a),
        errors_b=_among(rows.cases, sides.errors_b),
        error_share=share,
        worst_case=worst,
        margin=margin_check,
        gain=gain_check,
    )


def _pair_up(sides: _Sides) -> _Rows:
    all_a, all_b = _all_cases(sides.a, sides.errors_a), _all_cases(sides.b, sides.errors_b)
    only_in_a = tuple(filterfalse(all_b.__contains__, all_a))
    as_many = not only_in_a and len(all_a) == len(all_b)
    cases = list(all_a)
    if only_in_a or sides.changed:
        cases = [case for case in all_a if case in all_b and case not in sides.changed]
    return _Rows(
        cases=cases,
        a=_in_order(sides.a, sides.errors_a, cases, "A"),
        b=_in_order(sides.b, sides.errors_b, cases, "B"),
        larger=max(len(all_a), len(all_b)),
        only_in_a=only_in_a,
        only_in_b=() if as_many else tuple(filterfalse(all_a.__contains__, all_b)),
        changed=_among(all_a, sides.changed),
    )


def _all_cases(scores: Mapping[str, float], errors: Collection[str]) -> Mapping[str, object]:
    return dict.fromkeys([*scores, *errors]) if errors else scores


def _in_order(
    scores: Mapping[str, float], errors: Collection[str], cases: Sequence[str], side: str
) -> list[float | None]:
    """The score of each of `cases`; None where it ended in an error, whatever else is stated."""
    if errors and not scores.keys().isdisjoint(errors):
        scores = {case: scores[case] for case in scores.keys() - frozenset(errors)}
    in_order = list(scores) == cases  # as in two files over the same cases, mostly
    found: list[float | None] = list(scores.values() if in_order else map(scores.get, cases))
    if found.count(None) > len(errors):
        case = next(case for case in cases if case in scores and scores[case] is None)
        raise StatisticsError(
            f"scores of {side}: that of case {case!r} is None; expected 0 to 1",
            hint="name cases that ended without a score as errors",
        )
    return found


def _mean(scores: Iterable[float | None]) -> float:
    known = [score for score in scores if score is not None]
    return sum(known) / len(known)


def _among(cases: Iterable[str], marked: Collection[str]) -> tuple[str, ...]:
    """Those of `cases` that are marked, in their order."""
    return tuple(filter(frozenset(marked).__contains__, cases)) if marked else ()


def _refuse_too_few(shared: int, scored: int, larger: int, changed: int) -> None:
    if larger == 0:
        raise StatisticsError("neither side has a case: a result over nothing is refused")
    if shared < MIN_SHARED_SHARE * larger or shared == 0:
        because = f"; {changed} more changed in content" if changed else ""
        raise StatisticsError(
            f"only {shared} of {larger} cases are shared unchanged{because}; at least half are "
            "needed for a paired comparison",
            hint="evaluate both on the same version of the same cases",
        )
    if scored == 0:
        raise StatisticsError(
            f"none of the {shared} shared cases has a score on both sides",
            hint="see the errors of both, and run them again",
        )


def _worst_case(bounds: BoundedDifference, level: float) -> WorstCase:
    """Bounds with every missing score set to the extreme that hurts B, then helps it."""
    return WorstCase(
        bounds.against.estimate,
        bounds.against.interval(level).low,
        bounds.favouring.estimate,
        bounds.favouring.interval(level).high,
    )


def _verdict(
    pair: PairedDifference,
    direction: Literal["better", "worse", "none"],
    error_share: float,
    worst: WorstCase | None,
    question: _Question,
) -> str:
    level = question.level
    low, high = pair.interval(level)
    a, b = question.names
    cases = "1 case" if pair.n == 1 else f"{pair.n} cases"
    counts = f"{pair.wins} wins, {pair.losses} losses, {pair.ties} ties on {cases}"
    span = f"{points(pair.estimate)} ({level:.0%} interval {points_span(low, high)})"
    if error_share > MAX_ERROR_SHARE:
        return (
            f"nothing is claimed: {error_share:.1%} of the shared cases ended in errors, more "
            f"than {MAX_ERROR_SHARE:.0%}; on the others {b} minus {a} is {span}, {counts}"
        )
    if direction == "none":
        return (
            f"no difference shown: {b} minus {a} is {span}, {counts}; "
            "this does not mean that they are equal"
        )
    holds = worst is None or (
        worst.low_against > 0 if direction == "better" else worst.high_for < 0
    )
    doubt = "" if holds else "; the errors, counted the other way, could undo this"
    return f"{b} {direction} than {a}: {span}, {counts}{doubt}"
