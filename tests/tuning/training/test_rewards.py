from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evals.errors import TrainingError
from evals.records import Case, Output
from evals.scorers import build_scorers
from evals.suite.load import load_suite
from tests.tuning.training.rewarded import Judging, rewarded_suite
from tuning.training.looking import mean_reward
from tuning.training.rewards import MetricReward, metric_reward

SCORERS = """
import time

def score(case, output):
    if "sleep" in output.text:
        time.sleep(60)
    if "raise" in output.text:
        raise ValueError("no")
    return float(output.text == case.expected)
"""


def answers(cases: tuple[Case, ...], *texts: str) -> list[tuple[Case, Output]]:
    return [(cases[0], Output(text, "stop")) for text in texts]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "scorers.py").write_text(SCORERS)
    (tmp_path / "p.j2").write_text('{% message "user" %}{{ input.q }}{% endmessage %}')
    rows = [f'{{"id": "c{n}", "input": {{"q": "{n}"}}, "expected": "{n}"}}' for n in range(4)]
    (tmp_path / "train.jsonl").write_text("\n".join(rows))
    (tmp_path / "suite.yaml").write_text(
        "format: 1\nname: small\ntask: Say it.\ncases: {train: train.jsonl}\n"
        "prompts: {p: p.j2}\nprimary: right\n"
        "metrics: {right: {scorer: python@1, function: scorers.py:score, seconds: 1}}\n"
    )
    return tmp_path


def test_a_suite_s_own_scorer_that_fails_or_takes_too_long_gives_no_reward(folder: Path) -> None:
    suite = load_suite(folder)
    with build_scorers(suite) as scorers:
        reward = metric_reward(suite, "right", scorers, "tune.grpo.reward")
        values = reward(answers(suite.split("train"), "0", "raise", "1", "sleep", "0"))
    assert values == [1.0, None, 0.0, None, 1.0]


def test_cases_of_dev_and_test_are_never_rewarded() -> None:
    suite = rewarded_suite()
    reward = MetricReward(suite, "right", Judging("right"))
    sealed = tuple(replace(case, split="test") for case in suite.cases)
    with pytest.raises(TrainingError, match="of test, and must teach nothing"):
        reward(answers(sealed, "billing"))


def test_the_mean_is_of_what_has_a_reward_and_refused_where_that_is_little() -> None:
    reward = MetricReward(rewarded_suite(), "right", Judging("right"))
    assert mean_reward([1.0, None, 0.0], reward) == 0.5
    with pytest.raises(TrainingError, match="gave no score for 2 of 3 answers"):
        mean_reward([1.0, None, None], reward)
    with pytest.raises(TrainingError, match="gave no score"):
        mean_reward([], reward)
