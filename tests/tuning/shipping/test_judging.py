"""After training: ship, reject, or say that it is open."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.errors import NothingRunError, StatisticsError
from evals.stats import exact_bounds, noninferiority_power, one_sided_z, paired_counts
from tuning.gate.evidence import Arm
from tuning.records import ShipDecision
from tuning.shipping.judging import CostRoute, Guard, judge_adapter


def arms(
    wins: int, losses: int, n: int, errors: int = 0, names: tuple[str, str] = ("lead", "tuned")
) -> tuple[Arm, Arm]:
    """Before and after with so many wins and losses; `errors` ties have no score after."""
    cases = [f"c{i:05d}" for i in range(n)]
    before = {c: 0.0 if i < wins else 1.0 for i, c in enumerate(cases)}
    after = {c: 0.0 if wins <= i < wins + losses else 1.0 for i, c in enumerate(cases)}
    failed = tuple(cases[n - errors :])
    for case in failed:
        del after[case]
    return Arm(names[0], before), Arm(names[1], after, failed)


def guard(wins: int, losses: int, n: int, margin: float = 0.05, name: str = "general") -> Guard:
    base, tuned = arms(wins, losses, n, names=("guard_base", "guard_tuned"))
    return Guard(name, base, tuned, margin)


def judge(
    counts: tuple[int, int, int], *guards: Guard, min_gain: float = 0.10, look: int = 1, **options
) -> ShipDecision:
    errors = options.pop("errors", 0)
    return judge_adapter(*arms(*counts, errors), guards, min_gain=min_gain, look=look, **options)


PASSING, OPEN, FAILING = guard(5, 5, 120), guard(6, 6, 120), guard(12, 30, 120)


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ((10, 10, 250), "reject_adapter"),
        ((0, 40, 250), "reject_adapter"),
        ((0, 0, 250), "reject_adapter"),
        ((0, 0, 5), "inconclusive"),
        ((39, 15, 250), "inconclusive"),  # real, but 9.6 points are not 10
        ((5, 2, 30), "inconclusive"),  # 10 points, but not shown to be real
    ],
)
def test_quality_needs_a_real_gain_of_the_size_asked_for(
    counts: tuple[int, int, int], verdict: str
) -> None:
    assert judge(counts, PASSING).verdict == verdict


@pytest.mark.parametrize(
    ("counts", "guards", "verdict"),
    [
        ((40, 15, 250), (PASSING, PASSING), "ship_adapter"),
        ((40, 15, 250), (PASSING, OPEN), "inconclusive"),
        ((40, 15, 250), (OPEN, FAILING), "reject_adapter"),
        ((30, 12, 250), (FAILING,), "reject_adapter"),
        ((30, 12, 250), (PASSING,), "inconclusive"),
        ((10, 10, 250), (OPEN,), "reject_adapter"),
        ((40, 15, 250), (), "ship_adapter"),
    ],
)
def test_every_guard_must_pass_to_ship_and_one_failure_rejects(counts, guards, verdict) -> None:
    assert judge(counts, *guards).verdict == verdict


def test_no_guards_are_allowed_but_said() -> None:
    found = judge((40, 15, 250))
    assert any("No guard suite is configured" in reason for reason in found.reasons)
    assert "no guard was configured" in found.sentence


def test_several_guards_state_their_joint_power() -> None:
    found = judge((40, 15, 250), PASSING, PASSING)
    power = noninferiority_power(120, 0.05, 10 / 120) ** 2
    assert any(f"all 2 guards pass {power:.0%} of the time" in r for r in found.reasons)


def test_inconclusive_says_how_many_cases_would_tell() -> None:
    found = judge((30, 12, 250), PASSING)
    assert found.cases_needed is not None
    assert found.cases_needed > 250
    assert f"about {found.cases_needed} cases" in found.sentence
    assert judge((40, 15, 250), PASSING).cases_needed is None
    assert judge((25, 0, 250), PASSING, min_gain=0.1001).cases_needed is None  # never settles


def test_a_likely_loss_is_named_before_it_is_settled() -> None:
    found = judge((40, 15, 250), guard(2, 12, 120))
    assert found.guards[0].likely_loss
    assert any("a loss is likely" in reason for reason in found.reasons)
    assert found.verdict == "inconclusive"


@pytest.mark.parametrize(("errors", "verdict"), [(12, "ship_adapter"), (13, "inconclusive")])
def test_too_many_errors_support_no_claim(errors: int, verdict: str) -> None:
    found = judge((60, 5, 250), PASSING, errors=errors)
    assert found.verdict == verdict
    assert (found.cases_needed is None) or verdict == "ship_adapter"
    assert any("ended in errors" in r for r in found.reasons) is (verdict == "inconclusive")


@pytest.mark.parametrize(
    ("errors", "verdict"), [(0, "ship_adapter"), (3, "ship_adapter"), (4, "inconclusive")]
)
def test_an_error_of_the_adapter_counts_as_lost_before_it_ships(errors: int, verdict: str) -> None:
    # (43, 15): +11.2 points, and 10 are asked for; each error may hide a loss.
    found = judge((43, 15, 250), PASSING, errors=errors)
    assert found.verdict == verdict
    assert found.gain.low == paired_counts(43, 15 + errors, 250).lower(one_sided_z(0.025))
    assert any("bounded by the worst case" in r for r in found.reasons) is bool(errors)


@pytest.mark.parametrize("errors", range(13))
def test_an_error_counts_as_won_before_the_adapter_is_rejected(errors: int) -> None:
    before, after = arms(16, 10, 250)
    failed = tuple(sorted(before.scores)[-errors:]) if errors else ()  # both are right there
    left = {case: value for case, value in before.scores.items() if case not in failed}
    found = judge_adapter(Arm("lead", left, failed), after, (PASSING,), min_gain=0.10, look=1)
    worst = paired_counts(16 + errors, 10, 250)
    implausible = worst.below(0.10, one_sided_z(0.05))
    assert implausible is (errors < 9)
    assert found.verdict == ("reject_adapter" if implausible else "inconclusive")
    assert found.gain.high == worst.upper(one_sided_z(0.05))


@pytest.mark.parametrize(
    ("counts", "errors", "result"),
    [
        ((5, 5, 120), 0, "pass"),
        ((5, 5, 120), 1, "inconclusive"),
        ((5, 1, 120), 4, "pass"),
        ((5, 1, 120), 5, "inconclusive"),
    ],
)
def test_an_error_on_a_guard_counts_as_lost_before_it_passes(counts, errors, result) -> None:
    base, tuned = arms(*counts, errors, names=("guard_base", "guard_tuned"))
    found = judge((43, 15, 250), Guard("general", base, tuned, 0.05))
    assert found.guards[0].result == result
    assert found.verdict == ("ship_adapter" if result == "pass" else "inconclusive")
    said = any("Guard general" in r and "bounded by the worst case" in r for r in found.reasons)
    assert said is bool(errors)


@pytest.mark.parametrize(("errors", "result"), [(0, "fail"), (6, "inconclusive")])
def test_an_error_on_a_guard_counts_as_won_before_it_fails(errors: int, result: str) -> None:
    base, tuned = arms(12, 30, 120)
    failed = tuple(sorted(base.scores)[-errors:]) if errors else ()
    left = {case: value for case, value in base.scores.items() if case not in failed}
    found = judge((43, 15, 250), Guard("general", Arm("base", left, failed), tuned, 0.05))
    assert found.guards[0].result == result


def test_a_clear_failure_with_too_many_errors_is_not_a_rejection() -> None:
    assert judge((0, 40, 250), PASSING, errors=20).verdict == "inconclusive"


def test_a_guard_with_too_many_errors_is_open() -> None:
    base, tuned = arms(5, 5, 120, errors=7)
    found = judge((40, 15, 250), Guard("general", base, tuned, 0.05))
    assert found.guards[0].result == "inconclusive"
    assert found.guards[0].cases_needed is None
    assert found.verdict == "inconclusive"
    assert any("6% of the cases ended in errors" in reason for reason in found.reasons)


@pytest.mark.parametrize(
    ("counts", "cost", "verdict"),
    [
        ((10, 10, 250), CostRoute(0.10, True), "ship_adapter"),
        ((10, 10, 250), CostRoute(0.10, False), "reject_adapter"),
        ((10, 10, 250), CostRoute(0.02, True), "inconclusive"),
        ((0, 40, 250), CostRoute(0.05, True), "reject_adapter"),
        ((30, 12, 250), CostRoute(0.05, False), "inconclusive"),
    ],
)
def test_the_cost_route_ships_what_is_cheaper_and_not_worse(counts, cost, verdict) -> None:
    assert judge(counts, PASSING, cost=cost, target=0.9).verdict == verdict


def shipped_by_cost(right: int, n: int, target: float | None, errors: int = 0) -> ShipDecision:
    """An adapter that breaks even and is right where its prompt is, by a margin of 0.05."""
    scores = {f"c{i:05d}": float(i < right) for i in range(n)}
    failed = tuple(sorted(scores)[:errors])
    after = {case: score for case, score in scores.items() if case not in failed}
    return judge_adapter(
        Arm("lead", scores),
        Arm("tuned", after, failed),
        (PASSING,),
        min_gain=0.10,
        look=1,
        cost=CostRoute(0.05, True),
        target=target,
    )


@pytest.mark.parametrize(
    ("right", "target", "verdict"),
    [
        (250, 0.9, "ship_adapter"),
        (225, 0.9, "ship_adapter"),  # 0.856 is certain, and 0.85 is asked for
        (223, 0.9, "inconclusive"),  # 0.847 is
        (0, 0.9, "reject_adapter"),
        (0, 0.05, "inconclusive"),  # nothing is certain of it, and that is near no target
        (150, 0.9, "reject_adapter"),
        (250, None, "reject_adapter"),
    ],
)
def test_by_cost_ships_only_what_is_good_enough_for_certain(right, target, verdict) -> None:
    found = shipped_by_cost(right, 250, target)
    assert found.verdict == verdict
    low = exact_bounds([1.0] * right + [0.0] * (250 - right), None, 0.025)[0]
    enough = target is not None and low > 0 and low >= target - 0.05
    assert enough is (verdict == "ship_adapter")


def test_what_is_hardly_worse_than_no_good_does_not_ship_without_guards_either() -> None:
    zero = {f"c{i}": 0.0 for i in range(250)}
    found = judge_adapter(
        Arm("lead", zero),
        Arm("tuned", zero),
        (),
        min_gain=0.1,
        look=1,
        cost=CostRoute(0.05, True),
        target=0.9,
    )
    assert found.verdict == "reject_adapter"
    assert any("it is not good enough: at most 0.0" in reason for reason in found.reasons)


@pytest.mark.parametrize("target", [0.95, 0.999])
def test_so_many_cases_as_are_asked_for_settle_what_is_always_right(target: float) -> None:
    needed = shipped_by_cost(20, 20, target).cases_needed
    assert needed is not None
    assert shipped_by_cost(needed, needed, target).verdict == "ship_adapter"


def test_an_error_counts_as_wrong_before_an_adapter_ships_for_cost() -> None:
    assert shipped_by_cost(232, 250, 0.9).verdict == "ship_adapter"
    assert shipped_by_cost(232, 250, 0.9, errors=6).verdict == "inconclusive"


def test_the_sentence_by_cost_says_how_good_is_certain_and_what_is_not_settled() -> None:
    ships, open_, untold = (
        shipped_by_cost(245, 250, 0.9),
        shipped_by_cost(180, 200, 0.9),
        shipped_by_cost(245, 250, None),
    )
    assert "is certain, and 5 points may be missing from the target of 0.90" in ships.sentence
    assert "do not settle whether it is good enough" in open_.sentence
    assert open_.cases_needed is not None
    more = open_.cases_needed
    assert shipped_by_cost(ceil(0.9 * more), more, 0.9).verdict == "ship_adapter"
    assert any("the suite states no target" in reason for reason in untold.reasons)


def test_the_numbers_of_both_sides_are_kept() -> None:
    found = judge((40, 15, 250), PASSING)
    assert (found.wins, found.losses, found.ties, found.cases) == (40, 15, 195, 250)
    assert found.before.estimate == pytest.approx(210 / 250)
    assert found.after.estimate == pytest.approx(235 / 250)
    assert found.gain.estimate == pytest.approx(0.10)
    assert found.guards[0].base_run == "guard_base"


def test_few_clusters_claim_nothing() -> None:
    clusters = {f"c{i:05d}": f"k{i // 50}" for i in range(250)}
    found = judge((60, 5, 250), PASSING, clusters=clusters)
    assert found.verdict == "inconclusive"
    assert "only 5 independent clusters" in found.reasons[0]


def test_clusters_of_the_sealed_split_count() -> None:
    clusters = {f"c{i:05d}": f"k{i // 10}" for i in range(250)}
    grouped, alone = judge((40, 15, 250), clusters=clusters), judge((40, 15, 250))
    assert grouped.gain.low < 0 < alone.gain.low
    assert grouped.verdict == "inconclusive"


@pytest.mark.parametrize("look", [0, -1, 1.5, True, 31, 1070])
def test_a_look_before_the_first_or_beyond_any_claim_is_refused(look) -> None:
    assert judge((1, 0, 20), look=30).alpha > 0
    with pytest.raises(StatisticsError, match="look"):
        judge((1, 0, 20), look=look)


@pytest.mark.parametrize("min_gain", [0.0, 1.0])
def test_a_gain_that_decides_nothing_is_refused(min_gain: float) -> None:
    with pytest.raises(StatisticsError, match="min_gain"):
        judge((1, 0, 20), min_gain=min_gain)


def test_different_cases_and_no_cases_are_refused() -> None:
    before, after = arms(1, 0, 20)
    with pytest.raises(StatisticsError, match="not over the same cases"):
        judge_adapter(before, arms(1, 0, 21)[1], (), min_gain=0.1, look=1)
    with pytest.raises(NothingRunError):
        judge_adapter(Arm("a", {}), Arm("b", {}), (), min_gain=0.1, look=1)
    with pytest.raises(StatisticsError, match="share no case with a score"):
        judge_adapter(before, Arm("b", {}, tuple(before.scores)), (), min_gain=0.1, look=1)
    with pytest.raises(StatisticsError, match="margin"):
        judge_adapter(before, after, (replace(PASSING, margin=0.0),), min_gain=0.1, look=1)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 100), st.integers(0, 100), st.sampled_from([PASSING, OPEN, FAILING]))
def test_an_adapter_is_shipped_only_on_a_shown_gain_and_passing_guards(wins, losses, item) -> None:
    found = judge((wins, losses, 200), item)
    if found.verdict == "ship_adapter":
        assert found.gain.low > 0
        assert found.gain.estimate >= 0.1 - 1e-12
        assert found.guards[0].result == "pass"
    if found.verdict == "reject_adapter":
        assert found.gain.high < 0.1 or found.guards[0].result == "fail"


def test_an_adapter_that_gains_nothing_is_hardly_ever_shipped() -> None:
    random = np.random.default_rng(12)
    draws = random.multinomial(250, [0.15, 0.15, 0.7], size=400)
    shipped = sum(judge((int(b), int(c), 250)).verdict == "ship_adapter" for b, c, _ in draws)
    assert shipped / 400 <= 0.025


@pytest.mark.parametrize(
    ("target", "said"),
    [(0.5, "reached"), (0.94, "not settled"), (0.999, "missed")],
)
def test_a_target_is_said_and_changes_no_verdict(target: float, said: str) -> None:
    plain, aimed = judge((40, 15, 250)), judge((40, 15, 250), target=target)
    assert aimed.verdict == plain.verdict == "ship_adapter"
    assert any(line.startswith("Target: ") and f": {said}." in line for line in aimed.reasons)
    assert not any(line.startswith("Target: ") for line in plain.reasons)


def test_where_no_gain_reaches_the_target_more_cases_are_not_all_that_is_advised() -> None:
    near, far = (judge((12, 8, 40), target=target) for target in (0.5, 0.999))
    assert (near.verdict, far.verdict) == ("inconclusive", "inconclusive")
    assert "target" not in near.sentence
    assert "The suite's target of 0.999 is missed either way: at most 0." in far.sentence
    assert far.next_steps[0].startswith("See which kinds of cases it still gets wrong")
    assert far.next_steps[1:] == near.next_steps


def test_an_open_guard_that_lost_something_asks_for_less_loss_and_not_for_cases_alone() -> None:
    small, real = guard(6, 6, 120), guard(2, 12, 240, margin=0.06)
    for one, said in (
        (small, "Add cases to general (about"),
        (real, "Something is lost on general"),
    ):
        found = judge((40, 15, 250), one, target=0.999)
        assert found.guards[0].result == "inconclusive"
        assert found.verdict == "inconclusive"
        assert any(step.startswith(said) for step in found.next_steps)
        assert "The suite's target of 0.999 is missed either way" in found.sentence


def test_an_adapter_that_ships_below_the_target_is_said_to_be_not_good_enough() -> None:
    decision = judge((40, 15, 250), target=0.999)
    assert "0.94 is below the suite's target of 0.999" in decision.sentence
    assert "not yet good enough" in decision.sentence
    assert "See which kinds of cases" in decision.next_steps[0]
    assert "not yet" not in judge((40, 15, 250), target=0.94).sentence
