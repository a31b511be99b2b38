"""The gate and models that judge: what is not shown to agree with people decides nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evals.judges.records import Calibration, JudgeStanding
from evals.records import Finding
from tests.tuning.gate.test_deciding import judge as decided
from tests.tuning.gate.test_deciding import search
from tuning.gate.evidence import LeftOut, Soundness
from tuning.gate.wording import left_out_texts

SHOWN = Calibration(
    identity="i",
    judge_identity="w",
    demanded=0.6,
    weights="none",
    choices=("good", "bad"),
    confusion=((45, 5, 0), (3, 46, 1)),
    labels=100,
    clusters=None,
    agreement=0.91,
    kappa=0.82,
    low=0.70,
    high=0.93,
    least=0.72,
    labels_needed=None,
)
NOT_SHOWN = replace(SHOWN, kappa=0.62, least=0.48, low=0.45, high=0.79, labels_needed=900)
STANDING = JudgeStanding("tickets", "accuracy", "accuracy", "openai:m", gates=True)
TRIALS = search(0, 0, 400)


def with_judge(calibration: Calibration | None, **changes: object) -> JudgeStanding:
    return replace(STANDING, calibration=calibration, **changes)  # type: ignore[arg-type]


def test_a_judge_that_agrees_with_people_changes_no_verdict() -> None:
    plain, judged = decided(TRIALS), decided(TRIALS, judges=(with_judge(SHOWN),))
    assert judged.verdict == plain.verdict == "fine_tune"
    assert "kappa with people is 0.82" in judged.rules[0].evidence
    assert judged.judges == (with_judge(SHOWN),)


@pytest.mark.parametrize(
    ("standing", "said"),
    [
        (with_judge(NOT_SHOWN), "at least 0.48 for certain"),
        (with_judge(None, missing="it was not held against people's labels"), "not held against"),
        (with_judge(replace(NOT_SHOWN, kappa=None, least=None, problem="29 labels")), "29 labels"),
        (with_judge(NOT_SHOWN, suite="kept"), "0.48"),
    ],
)
@pytest.mark.parametrize("soundness", [Soundness(self_test_passed=True), None])
def test_a_judge_that_is_not_shown_to_agree_comes_before_everything(
    standing: JudgeStanding, said: str, soundness: Soundness | None
) -> None:
    decision = decided(TRIALS, judges=(standing,), soundness=soundness)
    assert decision.verdict == "fix_evals"
    assert not decision.open
    assert said in decision.sentence
    assert standing.suite in decision.next_steps[0]
    assert len(decision.next_steps) == 1


def test_one_judge_of_several_is_enough_to_refuse() -> None:
    decision = decided(TRIALS, judges=(with_judge(SHOWN), with_judge(NOT_SHOWN, name="tone")))
    assert decision.verdict == "fix_evals"


def test_a_judge_that_no_verdict_rests_on_refuses_nothing() -> None:
    decision = decided(TRIALS, judges=(with_judge(NOT_SHOWN, gates=False),))
    assert decision.verdict == "fine_tune"


def test_other_faults_are_told_beside_the_judges() -> None:
    faulty = Soundness(findings=(Finding("error", "leak", "a case is in train and dev"),))
    decision = decided(TRIALS, judges=(with_judge(NOT_SHOWN),), soundness=faulty)
    assert "a case is in train and dev" in decision.sentence
    assert "tunegate check" in decision.next_steps[1]


def test_runs_of_other_judges_are_said_to_be_left_out() -> None:
    (text,) = left_out_texts(LeftOut(other_judges=3))
    assert text.startswith("3 runs judged by other models left out")
