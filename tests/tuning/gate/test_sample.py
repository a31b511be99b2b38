"""Arms over one set of cases: what arrays compute is what the plain lists would give."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.errors import StatisticsError
from evals.stats import (
    MIN_CLUSTERS,
    BoundedDifference,
    PairedDifference,
    ScoreInterval,
    bounded,
    bounded_difference,
    exact_bounds,
    paired_difference,
    score_interval,
)
from evals.stats.sample import Clustering
from tuning.gate.evidence import Arm
from tuning.gate.sample import Sample

Names = list[str | None]
Rows = list[tuple[float | None, float | None, str | None]]

binary = st.sampled_from([0.0, 1.0])
graded = st.floats(0, 1, allow_subnormal=False)
few = st.sampled_from(["a", "b", "c", None])
many = st.one_of(st.integers(0, 14).map(str), st.none())


@st.composite
def worlds(draw: st.DrawFn) -> Rows:
    """Cases with two scores (None: an error) and a cluster, in no order."""
    score = draw(st.sampled_from([binary, graded]))
    errors = draw(st.booleans())
    maybe = st.one_of(score, score, score, st.none()) if errors else score
    name = draw(st.sampled_from([st.none(), few, many]))
    return draw(st.lists(st.tuples(maybe, maybe, name), min_size=1, max_size=60))


def arms_of(rows: Rows) -> tuple[Arm, Arm, dict[str, str | None]]:
    """Two arms; the second names its cases in the opposite order."""
    cases = {f"case-{position}": row for position, row in enumerate(rows)}
    made = []
    for side, order in ((0, list(cases)), (1, list(cases)[::-1])):
        scores = {case: value for case in order if (value := cases[case][side]) is not None}
        failed = tuple(case for case in order if cases[case][side] is None)
        made.append(Arm(f"run-{side}", scores, failed))
    return made[0], made[1], {case: row[2] for case, row in cases.items()}


def grouped(values: list[float], names: Names) -> list[list[float]]:
    groups: dict[object, list[float]] = {}
    for position, (value, name) in enumerate(zip(values, names, strict=True)):
        groups.setdefault(position if name is None else name, []).append(value)
    return list(groups.values())


def too_few(names: Names) -> bool:
    groups = len(grouped([0.0] * len(names), names))
    return groups < min(MIN_CLUSTERS, len(names))


def means(values: list[float], names: Names) -> list[float]:
    return [sum(group) / len(group) for group in grouped(values, names)]


def slow_difference(a: list[float], b: list[float], names: Names) -> PairedDifference:
    if too_few(names):
        return paired_difference(means(a, names), means(b, names))
    return paired_difference(a, b, names)


def slow_pair(a: Arm, b: Arm, clusters: dict[str, str | None]) -> BoundedDifference | None:
    """Case by case, with a dictionary of scores for each way in which errors may come out."""

    def difference(errors_a: float | None, errors_b: float | None) -> PairedDifference:
        x = a.scores | (dict.fromkeys(a.errors, errors_a) if errors_a is not None else {})
        y = b.scores | (dict.fromkeys(b.errors, errors_b) if errors_b is not None else {})
        both = sorted(x.keys() & y.keys())
        names = [clusters[case] for case in both]
        return slow_difference([x[case] for case in both], [y[case] for case in both], names)

    scored = a.scores.keys() & b.scores.keys()
    if not scored:
        return None
    if not a.errors and not b.errors:
        return bounded(difference(None, None))
    errors = len(a.cases) - len(scored)
    return BoundedDifference(
        difference(None, None), difference(1.0, 0.0), difference(0.0, 1.0), errors
    )


def slow_interval(
    scores: dict[str, float], clusters: dict[str, str | None], level: float
) -> ScoreInterval:
    values, names = (
        [scores[case] for case in sorted(scores)],
        [clusters[case] for case in sorted(scores)],
    )
    if too_few(names):
        return score_interval(means(values, names), None, level)._replace(n=len(values))
    return score_interval(values, names, level)


def slow_bounds(
    scores: dict[str, float], clusters: dict[str, str | None], level: float
) -> tuple[float, float]:
    values, names = (
        [scores[case] for case in sorted(scores)],
        [clusters[case] for case in sorted(scores)],
    )
    alpha = (1 - level) / 2
    if too_few(names):
        return exact_bounds(means(values, names), None, alpha)
    return exact_bounds(values, names, alpha)


@settings(max_examples=100, deadline=None)
@given(worlds())
def test_a_pair_is_to_the_last_digit_what_a_walk_over_the_cases_gives(rows: Rows) -> None:
    a, b, clusters = arms_of(rows)
    sample = Sample([a, b], clusters)
    assert sample.pair(a, b) == slow_pair(a, b, clusters)
    assert sample.pair(b, a) == slow_pair(b, a, clusters)


@settings(max_examples=100, deadline=None)
@given(worlds(), st.sampled_from([0.5, 0.9, 0.95]))
def test_an_interval_and_its_bounds_are_what_a_walk_over_the_cases_gives(
    rows: Rows, level: float
) -> None:
    arm, _, clusters = arms_of(rows)
    sample = Sample([arm], clusters)
    if not arm.scores:
        assert sample.interval(arm, level) is None
        assert sample.bounds(arm, level) is None
        return
    scored = slow_interval(dict(arm.scores), clusters, level)
    assert sample.interval(arm, level) == scored
    certain = slow_bounds(dict(arm.scores), clusters, level)
    worst, best = (
        slow_bounds({**arm.scores, **dict.fromkeys(arm.errors, end)}, clusters, level)
        for end in (0.0, 1.0)
    )
    expected = min(certain[0], worst[0]), max(certain[1], best[1])
    assert sample.bounds(arm, level) == expected
    assert sample.graded(arm) == any(value not in {0, 1} for value in arm.scores.values())


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.one_of(few, many), st.booleans()), min_size=1, max_size=60))
def test_a_part_of_numbered_clusters_is_numbered_as_if_it_had_stood_alone(
    found: list[tuple[str | None, bool]],
) -> None:
    whole = Clustering.of([name for name, _ in found])
    part = whole.only(np.array([kept for _, kept in found]))
    alone = Clustering.of([name for name, kept in found if kept])
    assert len(part) == len(alone)
    assert part.count == alone.count
    assert np.array_equal(part.codes, alone.codes) if alone.codes is not None else True


@settings(max_examples=80, deadline=None)
@given(worlds())
def test_scores_with_gaps_compare_as_their_arms_do(rows: Rows) -> None:
    rows = [(a, b, None) for a, b, _ in rows]
    a, b, clusters = arms_of(rows)
    cases = sorted(clusters)
    first, second = ([arm.scores.get(case) for case in cases] for arm in (a, b))
    pair = Sample([a, b], clusters).pair(a, b)
    if pair is None:
        with pytest.raises(StatisticsError, match="no case is scored on both sides"):
            bounded_difference(first, second)
    else:
        assert bounded_difference(first, second, [None] * len(cases)) == pair


def test_equal_arms_are_told_apart_by_what_they_are() -> None:
    """Results are kept by identity; a copy with other scores must not meet another's."""
    a = Arm("one", {f"c{n}": float(n % 2) for n in range(30)})
    sample = Sample([a], {})
    for turn in range(50):  # arms made and dropped at once could share a place in memory
        other = replace(a, scores=dict.fromkeys(a.scores, float(turn % 2)))
        found = sample.interval(other)
        assert found is not None
        assert found.estimate == turn % 2


@pytest.mark.parametrize("wrong", [float("nan"), 1.5, "1", None])
def test_a_score_that_is_none_is_refused_and_never_taken_for_an_error(wrong: object) -> None:
    good = Arm("good", {f"c{n}": 1.0 for n in range(30)})
    bad = Arm("bad", {**good.scores, "c7": wrong})  # type: ignore[dict-item]
    sample = Sample([good, bad], {})
    with pytest.raises(StatisticsError, match="scores"):
        sample.interval(bad)
    with pytest.raises(StatisticsError, match="scores of B"):
        sample.pair(good, bad)


def test_arms_over_other_cases_or_with_a_case_in_two_states_are_refused() -> None:
    first = Arm("first", {"x": 1.0, "y": 0.0})
    with pytest.raises(StatisticsError, match=r"'z'|'y'"):
        Sample([first, Arm("second", {"x": 1.0, "z": 0.0})], {})
    with pytest.raises(StatisticsError, match="2 are in only one of them"):
        Sample([first, Arm("second", {"x": 1.0}, ("z",))], {})
    with pytest.raises(StatisticsError, match="1 are in only one of them, for example 'y'"):
        Sample([first, Arm("second", {"x": 1.0}, ())], {})
    with pytest.raises(StatisticsError, match="case 'x' has a score and an error"):
        Sample([Arm("first", {"x": 1.0}, ("x",))], {})
