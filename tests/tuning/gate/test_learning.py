"""The learning curve at the gate: it is told, and it never rules."""

from __future__ import annotations

import pytest

from tests.tuning.gate.test_deciding import arm, judge, search, shifted
from tuning.gate.evidence import Arm, LearningEvidence
from tuning.learning.records import CurveFit, LearningCurve, LearningPoint, Projection
from tuning.records import Decision

N, ONES = 1000, 300


def curve(low: float, gain: float, high: float, shape: str = "rises") -> LearningCurve:
    """1,000 examples; each doubling adds so much (between `low` and `high`)."""
    band = tuple(
        Projection(1000 * 2**k, 0.3 + gain * k, 0.2, 0.9, 0.3, 0.3, gain * k, low * k, high * k)
        for k in range(3)
    )
    fit = CurveFit(shape, "No rise is shown.", band if shape == "rises" else (), largest=1000)
    point = LearningPoint(1000, 1.0, 0, "whole", "adapter", 0.3, 0.2, 0.4, N, 0, 1.0)
    return LearningCurve(
        "s", "m", "p", "subject", "mf", "sf", 1000, "zero", 0.0, 0.0, 0.1, (point,), fit
    )


def whole(wins: int, losses: int) -> Arm:
    """The adapter of all the examples, against a leader with 300 of 1,000."""
    return arm("whole", shifted(wins, losses, N, ONES))


def decided(
    learned: LearningCurve | None,
    adapter: Arm | None = None,
    clean_examples: int = 300,
    **policy: float,
) -> Decision:
    trials = search(0, 0, N, ones=ONES, weak=100)
    learning = LearningEvidence(learned, adapter) if learned else None
    return judge(trials, clean_examples=clean_examples, learning=learning, **policy)


def collect_row(decision: Decision) -> str:
    return next(rule.evidence for rule in decision.rules if rule.verdict == "collect_examples")


def test_without_a_curve_the_next_step_names_the_command() -> None:
    decision = decided(None, clean_examples=99)
    assert decision.verdict == "collect_examples"
    assert any("tunegate curve" in step for step in decision.next_steps)


def test_with_a_curve_too_few_examples_say_how_much_more_would_buy() -> None:
    decision = decided(curve(0.05, 0.10, 0.20), whole(20, 20), clean_examples=99)
    assert decision.verdict == "collect_examples"
    assert "About 1,000 more examples (2,000 in all) would buy +10.0 points" in decision.sentence
    assert "10 points above the leader takes about 2,000 examples in all" in decision.sentence
    assert not any("tunegate curve" in step for step in decision.next_steps)


@pytest.mark.parametrize(
    ("learned", "adapter", "warned"),
    [
        (curve(0.15, 0.2, 0.25), whole(20, 20), True),  # certainly short
        (curve(0.15, 0.2, 0.25, "flat"), whole(20, 20), True),
        (curve(0.15, 0.2, 0.25), whole(180, 100), False),  # it might do
        (curve(0.15, 0.2, 0.25), whole(250, 20), False),  # it certainly does
        (curve(0.15, 0.2, 0.25), None, False),  # never measured up to all
        (curve(0.15, 0.2, 0.25), arm("whole", [0.0] * (N - 1)), False),  # other cases
        (curve(0.15, 0.2, 0.25), arm("whole", [0.0] * N, tuple(range(900))), False),  # errors
    ],
)
def test_the_verdict_stands_and_a_certain_shortfall_is_a_next_step(
    learned: LearningCurve, adapter: Arm | None, warned: bool
) -> None:
    decision = decided(learned, adapter)
    assert decision.verdict == "fine_tune"
    assert "The learning curve:" in collect_row(decision)
    assert any("collect more first" in step for step in decision.next_steps) == warned


def test_no_curve_opens_a_gate_that_is_shut() -> None:
    trials = search(150, 0, N, ones=ONES)
    shut = judge(trials)
    assert not shut.open
    for learned in (curve(0.2, 0.3, 0.4), curve(0.0, 0.0, 0.0, "flat")):
        evidence = LearningEvidence(learned, whole(400, 0))
        assert judge(trials, learning=evidence).verdict == shut.verdict
    few = LearningEvidence(curve(0.2, 0.3, 0.4), whole(400, 0))
    short = judge(search(0, 0, N, ones=ONES, weak=100), clean_examples=99, learning=few)
    assert short.verdict == "collect_examples"


@pytest.mark.parametrize(
    ("learned", "adapter", "said"),
    [
        (curve(0.05, 0.1, 0.2), whole(300, 0), "is reached with the 1,000 there are"),
        (curve(0.0, 0.0, 0.001), whole(0, 100), "is not within 4,000 examples"),
        (curve(0.0, 0.02, 0.2), whole(20, 20), "takes more than 4,000 examples in all (between 1,"),
    ],
)
def test_how_many_examples_the_gain_takes_is_said(
    learned: LearningCurve, adapter: Arm, said: str
) -> None:
    assert said in collect_row(decided(learned, adapter))


def test_how_many_examples_the_target_takes_is_said_too() -> None:
    row = collect_row(decided(curve(0.05, 0.1, 0.2), whole(20, 20), target=0.4))
    assert "The target of 0.4 takes about 2,000 examples in all (between 1,000 and " in row
