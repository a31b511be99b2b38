"""Comparing two sets of scores, two files, two runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.claims import check_gain, check_margin
from evals.comparison import (
    Comparison,
    compare_files,
    compare_runs,
    compare_scores,
    points,
    read_scores,
)
from evals.errors import RecordError, StatisticsError
from evals.records import Candidate, CaseResult, Output, Run, Score
from evals.stats import bounded_difference, paired_counts


def sides(wins: int, losses: int, n: int) -> tuple[dict[str, float], dict[str, float]]:
    a = {f"c{i}": 0.0 if i < wins else 1.0 for i in range(n)}
    b = {f"c{i}": 0.0 if wins <= i < wins + losses else 1.0 for i in range(n)}
    return a, b


def compare(wins: int, losses: int, n: int, **options) -> Comparison:
    return compare_scores(*sides(wins, losses, n), **options)


def test_b_minus_a_is_estimated_counted_and_said() -> None:
    found = compare(45, 15, 200)
    assert (found.estimate, found.wins, found.losses, found.ties) == (0.15, 45, 15, 140)
    assert found.mean_b - found.mean_a == pytest.approx(0.15)
    assert (found.low, found.high) == paired_counts(45, 15, 200).interval()
    assert found.direction == "better"
    assert found.verdict.startswith("B better than A: +15.0 points (95% interval +7.6 to +22.5)")


def test_a_loss_is_called_worse_and_swapping_the_sides_calls_it_better() -> None:
    a, b = sides(15, 45, 200)
    assert compare_scores(a, b).direction == "worse"
    assert compare_scores(a, b).verdict.startswith("B worse than A: -15.0 points")
    assert compare_scores(b, a).direction == "better"


def test_the_same_scores_show_no_difference_and_never_certainty() -> None:
    scores = {f"c{i}": 1.0 for i in range(5)}
    found = compare_scores(scores, scores)
    assert found.direction == "none"
    assert found.verdict.startswith("no difference shown")
    assert "not mean that they are equal" in found.verdict
    assert found.low < -0.3
    assert found.high > 0.3
    assert found.p_value == 1.0


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.integers(0, 30), st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1),
    st.randoms(),
)
def test_the_order_of_cases_never_matters_and_swapping_negates(pairs, random) -> None:
    a = {str(k): v[0] for k, v in pairs.items()}
    b = {str(k): v[1] for k, v in pairs.items()}
    mixed = list(b.items())
    random.shuffle(mixed)
    forth, again, back = compare_scores(a, b), compare_scores(a, dict(mixed)), compare_scores(b, a)
    assert forth == again
    assert (back.low, back.high) == pytest.approx((-forth.high, -forth.low), abs=1e-9)
    assert (back.wins, back.losses) == (forth.losses, forth.wins)


def test_cases_of_one_side_only_are_listed_and_left_out() -> None:
    a, b = sides(5, 2, 30)
    del b["c29"]
    found = compare_scores({**a, "old": 1.0}, {**b, "new": 0.0})
    assert (found.only_in_a, found.only_in_b, found.cases) == (("c29", "old"), ("new",), 29)


def test_sides_that_share_too_little_are_refused() -> None:
    a = {f"c{i}": 1.0 for i in range(10)}
    with pytest.raises(StatisticsError, match="only 4 of 10 cases"):
        compare_scores(a, {f"c{i}": 1.0 for i in range(6, 16)})
    assert compare_scores(a, {f"c{i}": 1.0 for i in range(5, 15)}).cases == 5
    with pytest.raises(StatisticsError, match="only 0 of 10"):
        compare_scores(a, {"x": 1.0})
    with pytest.raises(StatisticsError, match="over nothing"):
        compare_scores({}, {})


def test_errors_are_counted_shown_and_bounded() -> None:
    a, b = sides(20, 2, 200)
    del b["c0"], b["c1"]
    found = compare_scores(a, b, errors_b=["c0", "c1"])
    assert found.cases == 198
    assert (found.errors_a, found.errors_b) == ((), ("c0", "c1"))
    assert found.error_share == pytest.approx(0.01)
    assert found.only_in_a == ()
    assert found.worst_case is not None
    # Two former wins: against B they are ties at 0, for B they are wins again.
    assert found.worst_case.estimate_against == pytest.approx((18 - 2) / 200)
    assert found.worst_case.estimate_for == pytest.approx((20 - 2) / 200)
    assert found.worst_case.low_against <= found.low
    assert found.direction == "better"
    assert compare(20, 2, 200).worst_case is None


def test_a_case_that_failed_in_a_may_be_the_one_b_lost() -> None:
    a, b = sides(8, 0, 100)
    del a["c99"]
    found = compare_scores(a, b, errors_a=["c99"])
    assert found.worst_case is not None
    assert found.worst_case.estimate_against == pytest.approx(8 / 100)
    assert found.worst_case.estimate_for == pytest.approx(9 / 100)


def test_a_claim_that_errors_could_undo_says_so() -> None:
    a, b = sides(7, 0, 100)
    for case in ("c96", "c97", "c98", "c99"):
        del b[case]
    found = compare_scores(a, b, errors_b=["c96", "c97", "c98", "c99"])
    assert found.direction == "better"
    assert "could undo this" in found.verdict


def test_a_margin_and_a_gain_are_judged_by_the_worst_case_of_errors() -> None:
    def judged(errors: int, counts: tuple[int, int, int]) -> tuple[str, str]:
        a, b = sides(*counts)
        failed = [f"c{counts[2] - 1 - i}" for i in range(errors)]  # both are right there
        for case in failed:
            del b[case]
        found = compare_scores(a, b, errors_b=failed, margin=0.05, min_gain=0.1)
        assert found.margin is not None
        assert found.gain is not None
        return found.margin.result, found.gain.result

    assert judged(0, (5, 5, 120))[0] == "pass"
    assert judged(1, (5, 5, 120))[0] == "inconclusive"
    assert judged(0, (28, 3, 250))[1] == "reached"
    assert judged(1, (28, 3, 250))[1] == "inconclusive"


@pytest.mark.parametrize(("failed", "claims"), [(10, True), (11, False)])
def test_above_five_percent_errors_nothing_is_claimed(failed: int, claims: bool) -> None:
    a, b = sides(80, 5, 200)
    errors = [f"c{199 - i}" for i in range(failed)]
    for case in errors:
        del b[case]
    found = compare_scores(a, b, errors_b=errors, margin=0.05, min_gain=0.1)
    assert found.margin is not None
    assert found.gain is not None
    assert (found.direction == "better") is claims
    assert (found.margin.result == "pass") is claims
    assert (found.gain.result == "reached") is claims
    assert found.too_many_errors is not claims
    assert ("nothing is claimed" in found.verdict) is not claims


def test_only_errors_is_nothing_to_compare() -> None:
    with pytest.raises(StatisticsError, match="none of the 2 shared cases"):
        compare_scores({"a": 1.0, "b": 1.0}, {}, errors_b=["a", "b"])


@pytest.mark.parametrize(
    ("wins", "losses", "result"), [(5, 5, "pass"), (6, 6, "inconclusive"), (12, 30, "fail")]
)
def test_the_margin_boundary_cases(wins: int, losses: int, result: str) -> None:
    check = check_margin(paired_counts(wins, losses, 120), 0.05)
    assert check.result == result
    assert (check.cases_needed is not None) == (result == "inconclusive")


def test_a_shown_loss_beyond_the_margin_is_likely_even_where_the_margin_is_open() -> None:
    check = check_margin(paired_counts(2, 12, 120), 0.05)
    assert check.result == "inconclusive"
    assert check.high < 0
    assert check.likely_loss
    assert not check_margin(paired_counts(6, 6, 120), 0.05).likely_loss


@pytest.mark.parametrize(
    ("wins", "losses", "n", "result"),
    [
        (40, 15, 250, "reached"),
        (30, 12, 250, "inconclusive"),
        (10, 10, 250, "not_reached"),
        (2, 0, 20, "inconclusive"),
    ],
)
def test_a_gain_is_reached_only_when_real_and_large_enough(
    wins: int, losses: int, n: int, result: str
) -> None:
    check = check_gain(paired_counts(wins, losses, n), 0.10, 0.05, 0.025)
    assert check.result == result


@pytest.mark.parametrize("bad", [0, 1, -0.1, float("nan"), True])
def test_margins_and_gains_outside_zero_to_one_are_refused(bad) -> None:
    with pytest.raises(StatisticsError, match="margin"):
        compare(1, 1, 20, margin=bad)
    with pytest.raises(StatisticsError, match="min_gain"):
        compare(1, 1, 20, min_gain=bad)


def test_points_never_show_a_negative_zero() -> None:
    assert points(-0.0) == points(-1e-9) == points(0.0) == "+0.0 points"
    assert points(0.123) == "+12.3 points"


def test_files_with_contradicting_clusters_are_refused(tmp_path: Path) -> None:
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    first.write_text('{"id": "x", "score": 1, "cluster": "one"}\n')
    second.write_text('{"id": "x", "score": 1, "cluster": "two"}\n')
    with pytest.raises(RecordError, match="cluster 'two', but in 'one'"):
        compare_files(read_scores(first), read_scores(second))


def test_clusters_of_a_file_widen_the_interval(tmp_path: Path) -> None:
    for name, clustered in (("a", True), ("b", False)):
        lines = []
        for i in range(120):
            score = 1 if name == "b" and (i // 6) % 3 else 0
            cluster = f', "cluster": "k{i // 6}"' if clustered else ""
            lines.append(f'{{"id": {i}, "score": {score}{cluster}}}\n')
        (tmp_path / f"{name}.jsonl").write_text("".join(lines))
    a, b = read_scores(tmp_path / "a.jsonl"), read_scores(tmp_path / "b.jsonl")
    grouped = compare_files(a, b)
    alone = compare_files(replace(a, clusters={}), b)
    assert grouped.high - grouped.low > 1.8 * (alone.high - alone.low)
    assert "20 clusters" in grouped.method


def run(name: str, values: dict[str, float | None], **changes) -> Run:
    results = tuple(
        CaseResult(
            case_id=case,
            case_fingerprint=changes.get("prints", {}).get(case, f"print-{case}"),
            prompt_hash="",
            output=Output("", "stop") if value is not None else Output(None, "error", error="x"),
            scores={} if value is None else {"accuracy": Score(value)},
        )
        for case, value in values.items()
    )
    return Run(
        id=name,
        suite="s",
        suite_fingerprint="",
        scoring_fingerprint=changes.get("scoring", "scoring"),
        split="dev",
        primary="accuracy",
        candidate=Candidate("m", "m", changes.get("prompt", "terse"), ""),
        results=results,
        seconds=0.0,
        created="",
    )


def test_runs_are_paired_over_unchanged_cases_and_the_rest_is_listed() -> None:
    a = {f"c{i}": 0.0 for i in range(40)}
    b: dict[str, float | None] = {f"c{i}": 1.0 for i in range(1, 42)}
    b["c5"] = None
    found = compare_runs(
        run("a", a, prompt="terse"), run("b", b, prompt="spec", prints={"c7": "other"})
    )
    assert (found.only_in_a, found.only_in_b) == (("c0",), ("c40", "c41"))
    assert found.changed == ("c7",)
    assert found.errors_b == ("c5",)
    assert found.cases == 37
    assert found.verdict.startswith("spec better than terse: +100.0 points")


def test_runs_scored_differently_are_never_compared() -> None:
    scores = {f"c{i}": 0.0 for i in range(10)}
    with pytest.raises(RecordError, match="scored differently"):
        compare_runs(run("a", scores), run("b", scores, scoring="new"))


def test_runs_whose_cases_mostly_changed_are_refused() -> None:
    scores = {f"c{i}": 0.0 for i in range(10)}
    prints = {f"c{i}": "new" for i in range(6)}
    with pytest.raises(StatisticsError, match="6 more changed in content"):
        compare_runs(run("a", scores), run("b", scores, prints=prints))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["both", "both", "both", "a", "b"]),
            st.one_of(st.floats(0, 1), st.none()),
            st.one_of(st.floats(0, 1), st.none()),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_sides_are_paired_as_a_walk_over_the_cases_of_a_would(
    rows: list[tuple[str, float | None, float | None]],
) -> None:
    where = {f"c{n}": row for n, row in enumerate(rows)}
    a = {c: row[1] for c, row in where.items() if row[0] != "b" and row[1] is not None}
    b = {c: row[2] for c, row in reversed(where.items()) if row[0] != "a" and row[2] is not None}
    errors_a = [c for c, row in where.items() if row[0] != "b" and c not in a]
    errors_b = [c for c, row in where.items() if row[0] != "a" and c not in b]
    in_a, in_b = [*a, *errors_a], [*b, *errors_b]
    shared = [case for case in in_a if case in in_b]
    scored = [case for case in shared if case in a and case in b]
    if not scored or len(shared) < max(len(in_a), len(in_b)) / 2:
        with pytest.raises(StatisticsError):
            compare_scores(a, b, errors_a=errors_a, errors_b=errors_b)
        return
    found = compare_scores(a, b, errors_a=errors_a, errors_b=errors_b)
    assert found.cases == len(scored)
    assert found.mean_a == sum(a[case] for case in scored) / len(scored)
    assert found.mean_b == sum(b[case] for case in scored) / len(scored)
    assert found.only_in_a == tuple(case for case in in_a if case not in in_b)
    assert found.only_in_b == tuple(case for case in in_b if case not in in_a)
    assert found.errors_a == tuple(case for case in shared if case not in a)
    assert found.errors_b == tuple(case for case in shared if case not in b)
    assert found.error_share == (len(shared) - len(scored)) / len(shared)
    bounds = bounded_difference([a.get(case) for case in shared], [b.get(case) for case in shared])
    assert (found.low, found.high) == bounds.scored.interval()


def test_an_error_counts_also_where_a_score_is_stated_beside_it() -> None:
    a, b = sides(4, 2, 40)
    found = compare_scores(a, b, errors_b=["c0"])
    assert (found.cases, found.errors_b, found.wins) == (39, ("c0",), 3)


def test_a_score_that_is_none_is_refused_and_never_taken_for_an_error() -> None:
    a, b = sides(4, 2, 40)
    with pytest.raises(StatisticsError, match="scores of B: that of case 'c3' is None"):
        compare_scores(a, {**b, "c3": None})


def test_an_open_margin_says_that_the_errors_decide_it_and_what_would_settle_it() -> None:
    scores = {f"c{n}": float(n % 2) for n in range(190)}
    failed = [f"e{n}" for n in range(10)]
    found = compare_scores(scores, scores, errors_a=failed, errors_b=failed, margin=0.05)
    assert found.margin is not None
    assert (found.margin.result, found.margin.without_errors) == ("inconclusive", "pass")
    said = found.open_said(found.margin)
    assert said.startswith("the errors decide it: 10 cases without a score")
    assert "the scored cases alone would say PASS" in said
    assert "fewer errors are needed" in said
    fewer = compare_scores(
        {f"c{n}": float(n % 2) for n in range(60)},
        {f"c{n}": float(n % 2) for n in range(60)},
        errors_a=failed[:2],
        errors_b=failed[:2],
        margin=0.05,
    )
    assert fewer.margin is not None
    assert fewer.margin.cases_needed is not None
    assert f"about {fewer.margin.cases_needed:,} cases" in fewer.open_said(fewer.margin)


def test_an_open_gain_says_why_too_and_a_settled_one_nothing() -> None:
    a = {f"c{n}": 0.0 for n in range(190)}
    found = compare_scores(
        a,
        a,
        errors_b=[f"e{n}" for n in range(10)],
        errors_a=[f"e{n}" for n in range(10)],
        min_gain=0.05,
    )
    assert found.gain is not None
    assert "would say NOT REACHED" in found.open_said(found.gain)
    settled = compare_scores(a, a, min_gain=0.05)
    assert settled.gain is not None
    assert settled.open_said(settled.gain) == ""


def test_too_many_errors_say_that_nothing_is_claimed() -> None:
    a = {f"c{n}": 0.0 for n in range(90)}
    failed = [f"e{n}" for n in range(10)]
    found = compare_scores(a, a, errors_a=failed, errors_b=failed, margin=0.05)
    assert found.margin is not None
    assert "more than 5% of the cases have no score" in found.open_said(found.margin)


def test_a_graded_p_value_is_not_called_mid_p() -> None:
    right = {f"c{n}": float(n % 2) for n in range(40)}
    graded = {name: (score + 0.3) / 2 for name, score in right.items()}
    assert compare_scores(right, right).p_name == "mid-p"
    assert compare_scores(right, graded).p_name == "p (score test)"
