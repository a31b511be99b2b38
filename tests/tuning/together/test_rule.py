"""Which prompt an adapter is judged with, from scores alone."""

from __future__ import annotations

import pytest

from tuning.gate.evidence import Arm
from tuning.together.rule import Asked, choose, may_be_beaten

N = 60
CASES = [f"c{n:03d}" for n in range(N)]
ALONE: dict[str, str | None] = dict.fromkeys(CASES)


def asked(
    right: int, tokens: float, *, wrong_first: int = 0, could: bool = True, errors: int = 0
) -> Asked:
    """Right on so many cases, those after `wrong_first`; the last `errors` have no score."""
    scored = CASES[: N - errors]
    scores = {case: float(wrong_first <= n < wrong_first + right) for n, case in enumerate(scored)}
    return Asked(Arm(f"{right}@{tokens}", scores, tuple(CASES[N - errors :])), tokens, could)


@pytest.mark.parametrize(
    ("longer", "place"),
    [
        (asked(40, 90), 0),  # a tie
        (asked(41, 90), 0),  # one case more: what a plain standard error would call a lead
        (asked(42, 90), 1),
        (asked(39, 90), 0),
        (asked(41, 90, wrong_first=9), 0),  # 10 wins, 9 losses
        (asked(50, 90), 1),
    ],
)
def test_the_training_prompt_stays_unless_another_is_better_beyond_one_standard_error(
    longer: Asked, place: int
) -> None:
    assert choose([asked(40, 12), longer], ALONE) == place


def test_of_those_about_as_good_as_the_best_the_shortest_is_taken() -> None:
    terse, best, near = asked(40, 12), asked(51, 200), asked(50, 60)
    assert choose([terse, best, near], ALONE) == 2
    assert choose([terse, best, asked(48, 60)], ALONE) == 1


def test_a_shorter_prompt_that_is_as_good_takes_the_place_of_the_training_prompt() -> None:
    assert choose([asked(40, 12), asked(40, 9)], ALONE) == 1
    assert choose([asked(40, 12), asked(37, 9)], ALONE) == 0


def test_what_could_not_ship_is_not_chosen_where_something_could() -> None:
    terse, rich = asked(40, 12), asked(50, 90, could=False)
    assert choose([terse, rich], ALONE) == 0
    shut = asked(40, 12, could=False)
    assert choose([shut, rich], ALONE) == 1  # nothing could: the best is tried
    assert choose([shut, asked(41, 90)], ALONE) == 1


def test_one_that_ended_in_errors_is_never_chosen_unless_all_did() -> None:
    broken = asked(50, 90, errors=6)
    assert choose([asked(40, 12), broken], ALONE) == 0
    assert choose([asked(50, 12, errors=6), asked(30, 90)], ALONE) == 1
    assert choose([asked(40, 12, errors=6), broken], ALONE) == 0


def test_errors_count_against_the_longer_prompt() -> None:
    terse = asked(40, 12, wrong_first=20)
    assert choose([terse, asked(46, 90, wrong_first=14)], ALONE) == 1
    # 6 wins, and 3 cases without a score that the training prompt has right
    assert choose([terse, asked(43, 90, wrong_first=14, errors=3)], ALONE) == 0


def test_nothing_is_told_apart_by_few_clusters() -> None:
    few = {case: f"k{n % 5}" for n, case in enumerate(CASES)}
    assert choose([asked(40, 12), asked(60, 90)], few) == 0
    assert not may_be_beaten(asked(40, 12).arm, few)


@pytest.mark.parametrize(("right", "could"), [(60, False), (59, False), (58, True), (0, True)])
def test_where_one_case_is_wrong_no_longer_prompt_is_worth_a_try(right: int, could: bool) -> None:
    arm = asked(right, 12).arm
    assert may_be_beaten(arm, ALONE) is could
    perfect = asked(N, 90)
    assert choose([asked(right, 12), perfect], ALONE) == int(could)
