"""The design's table of boundary cases: every row, every figure, through the real verdicts.

Each figure is written as the design prints it, and compared twice: with what the verdicts show
(to the last digit printed) and, to eight digits, with a computation that shares no line with
`evals.stats` (`tests.independent`: the trinomial likelihood maximised by scipy, Rao's score from
its derivatives, bounds by Brent's method, t and normal quantiles of scipy, Wilson and clustered
variances of statsmodels).

Where print and number part:

- z = 2.128 is 2.12805 (alpha/3: the anchor is the best of m = 3) and z = 2.394 is 2.39398
  (alpha/6: M = 7 candidates, the anchor not among those that could improve).
- (45, 15, 200): L is 0.05998. It is printed as 0.060, and is not above 0.06.
- (0, 0, 86) and (0, 0, 87): U is 0.05002 and 0.04948; two digits would hide that they differ.
- "About 120" cases for a gain of 0.15 are 123 by the formula beside it.
- A guard "needs 150" for a margin of 0.10 and "400" for 0.05: these are round numbers, and of
  different discordances (0.23 and 0.155). At the 0.2 that is assumed elsewhere it takes 134 and
  507; 400 then pass 72 times in 100 and not 80.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from evals.stats import (
    cases_for_noninferiority,
    cases_for_plateau,
    cases_to_ship,
    noninferiority_power,
    one_sided_z,
    paired_difference,
    smallest_flat_cases,
)
from tests.independent import (
    chance,
    clustered_deff,
    constrained_spread,
    rao_lower,
    rao_statistic,
    rao_upper,
    statistics_of,
    z_of,
)
from tuning.gate.deciding import decide
from tuning.gate.evidence import Arm, Evidence, Policy, Soundness, Trial
from tuning.records import Decision, GuardLine, ShipDecision, TrialLine
from tuning.shipping.judging import Guard, judge_adapter

ALPHA = 0.05
Z1, Z_FLAT, Z_IMPROVE = z_of(ALPHA), z_of(ALPHA / 3), z_of(ALPHA / 6)
DIGITS = 1e-8


class Row(NamedTuple):
    """One search against an anchor that is right on `ones` cases.

    The figures printed in the design: `upper` is U at 2.128, `lower` L at 2.394, `at_zero` T(0).
    """

    wins: int
    losses: int
    n: int
    ones: int
    min_gain: float
    verdict: str
    flat: bool
    improved: bool
    upper: str | None = None
    lower: str | None = None
    at_zero: str | None = None
    flags: tuple[str, ...] = ()
    leader: Literal["anchor", "late"] = "late"


ROWS = {
    "five ties": Row(0, 0, 5, 1, 0.05, "fix_evals", False, False, "0.475", leader="anchor"),
    "86 ties": Row(0, 0, 86, 20, 0.05, "fix_evals", False, False, "0.0500", leader="anchor"),
    "87 ties": Row(0, 0, 87, 20, 0.05, "fine_tune", True, False, "0.0495", leader="anchor"),
    "two wins at the floor": Row(
        2, 0, 200, 0, 0.05, "fine_tune", True, False, "0.039", flags=("floor", "leader_moved")
    ),
    "four wins at the floor": Row(
        4, 0, 200, 0, 0.05, "more_cases", False, False, "0.054", None, "2.00", ("leader_moved",)
    ),
    "20 each way, 10 points asked": Row(
        20, 20, 200, 40, 0.10, "fine_tune", True, False, "0.069", leader="anchor"
    ),
    "20 each way, 5 points asked": Row(
        20, 20, 200, 40, 0.05, "more_cases", False, False, "0.069", leader="anchor"
    ),
    "45 to 15": Row(
        45, 15, 200, 40, 0.10, "prompt_more", False, True, None, "0.060", None, ("leader_moved",)
    ),
    "180 to 120 of 3000": Row(
        180, 120, 3000, 600, 0.05, "fine_tune", True, True, flags=("leader_moved",)
    ),
}


def values(wins: int, losses: int, n: int, ones: int) -> list[float]:
    """Scores that win and lose so often against `ones` ones followed by zeros."""
    return [0.0] * losses + [1.0] * (ones - losses) + [1.0] * wins + [0.0] * (n - ones - wins)


def arm(name: str, scores: list[float]) -> Arm:
    return Arm(name, {f"c{i:05d}": score for i, score in enumerate(scores)})


def search(late: list[float], middle: list[float], plain: list[float]) -> tuple[Trial, ...]:
    """Three, two and two candidates: m = 3, M = 7. All but one of each later round are plain."""
    tried = [
        ("anchor", 1, "wording", plain),
        ("w2", 1, "wording", plain),
        ("w3", 1, "wording", plain),
        ("middle", 2, "few_shot", middle),
        ("f2", 2, "few_shot", plain),
        ("late", 3, "nearest", late),
        ("n2", 3, "nearest", plain),
    ]
    return tuple(Trial(arm(name, x), name, index, family) for name, index, family, x in tried)


def decided(row: Row, **options: object) -> Decision:
    plain = values(0, 0, row.n, row.ones)
    late = values(row.wins, row.losses, row.n, row.ones)
    sound = Soundness(self_test_passed=True)
    evidence = Evidence(search(late, plain, plain), 300, soundness=sound, **options)  # type: ignore[arg-type]
    return decide(evidence, Policy(min_gain=row.min_gain))


def line(decision: Decision, name: str) -> TrialLine:
    return next(trial for trial in decision.trials if trial.run_id == name)


def assert_printed(found: float, printed: str | None) -> None:
    """Whether a number, rounded to as many digits, is the one in print."""
    if printed is not None:
        assert f"{found:.{len(printed.split('.')[1])}f}" == printed


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_search_at_a_boundary_ends_as_the_design_says(row: Row) -> None:
    found = decided(row)
    late = line(found, "late")
    assert late.versus_anchor is not None
    counts = row.wins, row.losses, row.n
    upper, lower = rao_upper(*counts, Z_FLAT), rao_lower(*counts, Z_IMPROVE)
    assert late.versus_anchor.high == pytest.approx(upper, abs=DIGITS)
    assert late.versus_anchor.low == pytest.approx(lower, abs=DIGITS)
    assert_printed(upper, row.upper)
    assert_printed(lower, row.lower)
    assert_printed(rao_statistic(*counts, 0.0), row.at_zero)
    assert (late.flat, late.improved) == (row.flat, row.improved)
    assert (late.flat, late.improved) == (upper < row.min_gain, lower > 0)
    assert found.verdict == row.verdict
    assert found.plateau is found.open is (row.verdict == "fine_tune")
    assert (found.anchor, found.leader) == ("anchor", row.leader)
    assert found.flags == row.flags
    assert (found.cases_needed is not None) is (row.verdict in {"more_cases", "fix_evals"})


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_the_floor_flag_follows_wilsons_upper_bounds(row: Row) -> None:
    best = max(row.ones, row.ones + row.wins - row.losses)
    for right in {row.ones, best}:
        low, high = proportion_confint(right, row.n, alpha=0.05, method="wilson")
        scores = [trial.score for trial in decided(row).trials]
        assert any(
            (score.low, score.high) == pytest.approx((low, high), abs=DIGITS) for score in scores
        )
    assert ("floor" in decided(row).flags) is (high < row.min_gain)


def test_two_steps_of_six_points_are_seen_from_the_anchor() -> None:
    """+0.06 and +0.06 on 2,000 cases: each step alone is flat, both together are not."""
    n, ones = 2000, 800
    step, both = values(220, 100, n, ones), values(340, 100, n, ones)
    evidence = Evidence(
        search(both, step, values(0, 0, n, ones)), 300, soundness=Soundness(self_test_passed=True)
    )
    found = decide(evidence, Policy(min_gain=0.10))
    late, middle = line(found, "late"), line(found, "middle")
    assert late.versus_anchor is not None
    assert middle.versus_anchor is not None
    assert late.versus_anchor.estimate - middle.versus_anchor.estimate == pytest.approx(0.06)
    upper = rao_upper(340, 100, n, Z_FLAT)
    assert_printed(upper, "0.142")
    assert late.versus_anchor.high == pytest.approx(upper, abs=DIGITS)
    # Against the last best instead of the anchor the second step would have been a plateau.
    assert rao_upper(120, 0, n, Z_FLAT) < 0.10
    assert middle.flat
    assert (late.flat, found.plateau, found.verdict) == (False, False, "prompt_more")


def test_corrected_quantiles_are_those_of_the_design() -> None:
    for alpha, printed in ((ALPHA, "1.645"), (ALPHA / 3, "2.128"), (ALPHA / 6, "2.394")):
        assert_printed(z_of(alpha), printed)
        assert one_sided_z(alpha) == pytest.approx(z_of(alpha), abs=1e-12)


def test_in_clusters_the_same_counts_say_less_and_by_how_much() -> None:
    """(45, 15, 200) in 20 clusters of ten: b, c and n by the design effect, t with 19 degrees."""
    row = ROWS["45 to 15"]
    groups = [f"k{i // 10}" for i in range(row.n)]
    found = decided(row, clusters={f"c{i:05d}": group for i, group in enumerate(groups)})
    late = values(row.wins, row.losses, row.n, row.ones)
    moved = [b - a for a, b in zip(values(0, 0, row.n, row.ones), late, strict=True)]
    seen = clustered_deff(moved, groups)
    assert seen > 5
    # One cluster more, of ten cases that all say -1 or all say +1: nothing seen is as dependent.
    squares = float(np.var(moved) * row.n)
    unseen = 10 * (1 + float(np.mean(moved)) ** 2)
    deff = (squares * seen + unseen * 10) / (squares + unseen)
    assert seen < deff < 10
    counts = row.wins / deff, row.losses / deff, row.n / deff
    shown = line(found, "late").versus_anchor
    assert shown is not None
    t_flat, t_improve = (float(stats.t.isf(ALPHA / k, 19)) for k in (3, 6))
    assert shown.high == pytest.approx(rao_upper(*counts, t_flat), abs=DIGITS)
    assert shown.low == pytest.approx(rao_lower(*counts, t_improve), abs=DIGITS)
    assert shown.low < 0
    assert found.verdict != "prompt_more"


def test_five_graded_ties_keep_a_width() -> None:
    """U of n ties at t: n U = t^2 (1 - U), the score bound of a mean of values in [-1, 1]."""
    pair = paired_difference([0.4] * 5, [0.4] * 5)
    t2 = float(stats.t.isf(ALPHA / 3, 4)) ** 2
    assert pair.upper(Z_FLAT) == pytest.approx(t2 / (5 + t2), abs=DIGITS)
    assert pair.lower(Z_FLAT) == -pair.upper(Z_FLAT)


# --- guards and shipping ---------------------------------------------------------------------


def pair_of(wins: int, losses: int, n: int) -> tuple[Arm, Arm]:
    ones = n - wins
    return arm("before", values(0, 0, n, ones)), arm("after", values(wins, losses, n, ones))


def shipped(wins: int, losses: int, look: int, *guards: Guard) -> ShipDecision:
    return judge_adapter(*pair_of(wins, losses, 250), guards, min_gain=0.10, look=look)


@pytest.mark.parametrize(
    ("wins", "losses", "result", "verdict"),
    [
        (5, 5, "pass", "ship_adapter"),
        (6, 6, "inconclusive", "inconclusive"),
        (12, 30, "fail", "reject_adapter"),
        (5, 14, "inconclusive", "inconclusive"),  # a loss is shown, more than 5 points are not
    ],
)
def test_a_guard_of_120_cases_with_a_margin_of_five_points(
    wins: int, losses: int, result: str, verdict: str
) -> None:
    found = shipped(40, 15, 1, Guard("kept", *pair_of(wins, losses, 120), 0.05))
    guard: GuardLine = found.guards[0]
    lower, upper = rao_lower(wins, losses, 120, Z1), rao_upper(wins, losses, 120, Z1)
    assert guard.difference.low == pytest.approx(lower, abs=DIGITS)
    assert guard.difference.high == pytest.approx(upper, abs=DIGITS)
    assert (guard.result, found.verdict) == (result, verdict)
    assert (lower > -0.05, upper < -0.05) == (result == "pass", result == "fail")
    assert (guard.cases_needed is not None) is (result == "inconclusive")
    assert guard.likely_loss is (upper < 0 and wins - losses < -0.05 * 120)


@pytest.mark.parametrize(
    ("wins", "losses", "verdict"), [(40, 15, "ship_adapter"), (30, 12, "inconclusive")]
)
def test_a_first_look_at_250_sealed_cases_asked_for_ten_points(
    wins: int, losses: int, verdict: str
) -> None:
    found = shipped(wins, losses, 1)
    lower, upper = rao_lower(wins, losses, 250, z_of(0.025)), rao_upper(wins, losses, 250, Z1)
    assert found.gain.low == pytest.approx(lower, abs=DIGITS)
    assert found.gain.high == pytest.approx(upper, abs=DIGITS)
    assert lower > 0  # of (30, 12), too: what it lacks is the size, 7.2 of 10 points
    assert upper > 0.10  # and a gain of ten points is not ruled out
    assert found.verdict == verdict


def test_each_look_at_the_sealed_split_costs_half_of_what_is_left() -> None:
    spent = 0.0
    for look in range(1, 9):
        found = shipped(40, 15, look)
        assert found.alpha == pytest.approx(ALPHA / 2**look, abs=1e-15)
        lower = rao_lower(40, 15, 250, z_of(ALPHA / 2**look))
        assert found.gain.low == pytest.approx(lower, abs=DIGITS)
        assert found.verdict == ("ship_adapter" if lower > 0 else "inconclusive")
        spent += found.alpha
    assert spent == pytest.approx(ALPHA * (1 - 2**-8))
    assert found.verdict == "inconclusive"  # T(0) = 3.371, and look 8 asks for 3.546
    assert_printed(rao_statistic(40, 15, 250, 0.0), "3.371")
    assert_printed(z_of(ALPHA / 2**8), "3.546")


@pytest.mark.parametrize("extensions", [0, 1, 2])
def test_declared_extensions_of_dev_share_alpha(extensions: int) -> None:
    policy = Policy(declared_extensions=extensions)
    assert policy.look_alpha == pytest.approx(ALPHA / (1 + extensions), abs=1e-15)
    row = ROWS["45 to 15"]
    plain = values(0, 0, row.n, row.ones)
    late = values(row.wins, row.losses, row.n, row.ones)
    found = decide(Evidence(search(late, plain, plain), 300), policy)
    assert found.alpha == policy.look_alpha
    shown = line(found, "late").versus_anchor
    assert shown is not None
    lower = rao_lower(row.wins, row.losses, row.n, z_of(policy.look_alpha / 6))
    assert shown.low == pytest.approx(lower, abs=DIGITS)


# --- how many cases --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("min_gain", "printed", "exact", "smallest"),
    [(0.05, 900, 0.886, 87), (0.10, 250, 0.909, 41), (0.15, 123, 0.926, 26)],
)
def test_dev_is_big_enough_for_a_plateau(
    min_gain: float, printed: int, exact: float, smallest: int
) -> None:
    """`exact`: how often one candidate that differs on 0.2 of the cases, for nothing, is flat."""
    assert cases_for_plateau(min_gain) == printed
    assert printed - 1 < 10 * (0.2 + min_gain / 2) / min_gain**2 < printed + 1e-6

    found = chance(printed, 0.1, 0.1, lambda b, c: statistics_of(b, c, printed, min_gain) < -Z_FLAT)
    assert found == pytest.approx(exact, abs=0.0005)
    assert smallest_flat_cases(min_gain, one_sided_z(ALPHA / 3)) == smallest
    assert rao_upper(0, 0, smallest, Z_FLAT) < min_gain <= rao_upper(0, 0, smallest - 1, Z_FLAT)


@pytest.mark.parametrize(
    ("margin", "discordance", "cases"),
    [
        # At the discordance that is assumed where nothing is known:
        (0.10, 0.20, 134),
        (0.05, 0.20, 507),
        # At those for which the design's 150 and 400 are right:
        (0.10, 0.23, 151),
        (0.05, 0.155, 400),
    ],
)
def test_a_guard_of_this_size_passes_eight_times_in_ten(
    margin: float, discordance: float, cases: int
) -> None:
    half = discordance / 2
    spread = Z1 * constrained_spread(half, half, -margin) + z_of(0.2) * discordance**0.5
    assert cases - 1 < (spread / margin) ** 2 <= cases
    assert cases_for_noninferiority(margin, discordance) == cases
    found = chance(cases, half, half, lambda b, c: statistics_of(b, c, cases, -margin) > Z1)
    assert found == pytest.approx(0.8, abs=0.015)


@pytest.mark.parametrize(("cases", "margin", "exact"), [(150, 0.10, 0.849), (400, 0.05, 0.719)])
def test_the_round_guard_sizes_of_the_design_at_the_usual_discordance(
    cases: int, margin: float, exact: float
) -> None:
    found = chance(cases, 0.1, 0.1, lambda b, c: statistics_of(b, c, cases, -margin) > Z1)
    assert found == pytest.approx(exact, abs=0.0005)
    assert noninferiority_power(cases, margin) == pytest.approx(found, abs=0.01)


@pytest.mark.parametrize(
    ("gain", "first", "second"), [(0.05, 626, 758), (0.10, 155, 188), (0.15, 68, 82)]
)
def test_a_second_look_needs_more_sealed_cases(gain: float, first: int, second: int) -> None:
    """Superiority of a true gain at 80 % power: Connor's formula, and what it gives exactly."""
    for look, cases in ((1, first), (2, second)):
        z = z_of(ALPHA / 2**look)
        root = (z * 0.2**0.5 + z_of(0.2) * (0.2 - gain**2) ** 0.5) / gain
        assert cases - 1 < root**2 <= cases
        assert cases_to_ship(gain, look=look) == cases
        found = chance(
            cases,
            0.1 + gain / 2,
            0.1 - gain / 2,
            lambda b, c, n=cases, bar=z: statistics_of(b, c, n, 0.0) > bar,  # type: ignore[misc]
        )
        assert 0.795 < found < 0.86  # the formula is cautious where few cases differ by chance
