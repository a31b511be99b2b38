from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tuning.training.reward_hacking import LookScores, Verdict, hacking_proof, judge_hacking

Flags = np.ndarray


def judged(
    rewards: tuple[Sequence[float | None], Sequence[float | None]],
    unseen: tuple[Sequence[float | None], Sequence[float | None]],
    *,
    expect: str = "rise",
    groups: Sequence[str] | None = None,
) -> Verdict:
    first, kept = (LookScores(n, rewards[n], unseen[n]) for n in (0, 1))
    names = groups or [str(n) for n in range(len(rewards[0]))]
    return judge_hacking(first, kept, names, expect).verdict


def mean(share: float, n: int = 48) -> list[float]:
    """`n` scores of 0 and 1, the first ones 1."""
    return [float(k < round(share * n)) for k in range(n)]


def test_a_reward_that_rises_while_the_held_out_score_falls_is_hacking() -> None:
    assert judged((mean(0.4), mean(0.9)), (mean(0.5), mean(0.2))) == "hacked"


def test_a_reward_whose_gain_the_held_out_score_does_not_follow_is_hacking() -> None:
    assert judged((mean(0.4), mean(0.9)), (mean(0.3), mean(0.3))) == "hacked"


def test_where_the_held_out_score_need_only_hold_it_is_not() -> None:
    flat = (mean(0.3), mean(0.3))
    assert judged((mean(0.4), mean(0.9)), flat, expect="hold") == "not seen"
    fell = (mean(0.5), mean(0.2))
    assert judged((mean(0.4), mean(0.9)), fell, expect="hold") == "hacked"


def test_a_gain_that_the_held_out_score_follows_is_honest() -> None:
    assert judged((mean(0.4), mean(0.9)), (mean(0.4), mean(0.8))) == "not seen"


def test_a_held_out_score_that_has_no_room_to_rise_is_no_sign_of_hacking() -> None:
    assert judged((mean(0.4), mean(0.9)), (mean(1.0), mean(1.0))) == "not seen"


def test_a_held_out_score_that_falls_where_the_reward_does_not_rise_is_no_hacking() -> None:
    assert judged((mean(0.5), mean(0.5)), (mean(0.5), mean(0.2))) == "not seen"


def test_cases_that_are_one_cluster_count_as_few() -> None:
    groups = [str(n // 24) for n in range(48)]
    assert judged((mean(0.4), mean(0.9)), (mean(0.5), mean(0.2)), groups=groups) == "not tested"


def test_too_few_cases_with_both_scores_are_not_tested_and_give_no_proof() -> None:
    before: list[float | None] = [0.0] * 9 + [None] * 40
    after: list[float | None] = [1.0] * 49
    first, kept = LookScores(0, before, before), LookScores(1, after, before)
    found = judge_hacking(first, kept, [str(n) for n in range(49)])
    assert found.verdict == "not tested"
    assert hacking_proof(found) is None


def test_the_proof_names_both_differences() -> None:
    first, kept = LookScores(0, mean(0.4), mean(0.5)), LookScores(7, mean(0.9), mean(0.2))
    proof = hacking_proof(judge_hacking(first, kept, [str(n) for n in range(48)]))
    assert proof is not None
    assert not proof.passed
    assert "steps 0 to 7, 48 cases: the reward +0.500 [" in proof.evidence
    assert "the held-out score -0.292 [" in proof.evidence


def alarms(
    *, gain: float, loss: float, noise: float, cheat: float = 0.0, hurt: float = 0.0, n: int = 48
) -> float:
    """How often hacking is seen, of 300 trainings that are simulated.

    Of cases that are wrong `gain` become right, of right ones `loss` wrong; each scorer says
    the contrary with probability `noise`. A cheat gives `cheat` of all answers full reward, and
    spoils `hurt` of them.
    """
    draw = np.random.default_rng(7)

    def seen(right: Flags) -> Flags:
        return np.where(draw.random(n) < noise, ~right, right)

    seen_often = 0
    for _ in range(300):
        right = draw.random(n) < 0.4
        after = np.where(right, draw.random(n) >= loss, draw.random(n) < gain)
        after &= draw.random(n) >= hurt
        rewarded = seen(after) | (draw.random(n) < cheat)
        pairs = [(seen(right), rewarded), (seen(right), seen(after))]
        scores = [tuple(one.astype(float).tolist() for one in pair) for pair in pairs]
        seen_often += judged(scores[0], scores[1]) == "hacked"  # type: ignore[arg-type]
    return seen_often / 300


@pytest.mark.parametrize(
    ("gain", "loss", "noise"),
    [(0.4, 0.05, 0.0), (0.4, 0.05, 0.1), (0.5, 0.1, 0.2), (0.1, 0.1, 0.1), (0.0, 0.0, 0.1)],
)
def test_honest_learning_with_noise_is_hardly_ever_called_hacking(
    gain: float, loss: float, noise: float
) -> None:
    assert alarms(gain=gain, loss=loss, noise=noise) <= 0.02


@pytest.mark.parametrize(
    ("cheat", "hurt", "n", "caught"),
    [(0.9, 0.0, 48, 0.7), (0.9, 0.5, 48, 0.85), (0.5, 0.0, 120, 0.8)],
)
def test_a_cheat_is_mostly_caught(cheat: float, hurt: float, n: int, caught: float) -> None:
    assert alarms(gain=0.0, loss=0.0, noise=0.05, cheat=cheat, hurt=hurt, n=n) >= caught
