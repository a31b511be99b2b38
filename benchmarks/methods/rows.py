"""What is measured: one row for each way of training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from evals.suite.policy_settings import GrpoSettings, RlooSettings
from evals.suite.preference_settings import DpoSettings
from evals.suite.rlhf_settings import RlhfSettings
from evals.suite.tune_weights import WEIGHTS
from tuning.training.rates import rate_for

FIRST = "lora"
"""The row that others begin from."""
CHEATED = "stages"
"""A metric that anything with four bars in it satisfies; only the row that cheats has it."""

Group = Literal["method", "weights", "made to fail"]


@dataclass(frozen=True)
class Row:
    """One training. `tune` are changes of the suite's `tune`, `own` the method's own settings.

    With `begins` it begins from the adapter of FIRST. With `contradicting` a tenth of the examples
    stands there a second time with another example's answer.
    """

    name: str
    group: Group
    tune: Mapping[str, Any] = field(default_factory=dict)
    own: Any = None
    begins: bool = False
    contradicting: bool = False
    about: str = ""


def _methods() -> list[Row]:
    watched = {"reward": "correct", "held_out": "parses", "expect": "hold"}
    return [
        Row(FIRST, "method", about="supervised fine-tuning of an adapter"),
        Row("qlora", "method", {"method": "qlora"}, about="the same, over the base in four bits"),
        Row("full", "method", {"method": "full"}, about="every weight"),
        Row(
            "dpo",
            "method",
            {"method": "dpo", "epochs": 0.5},
            DpoSettings(),
            True,
            about="drawn pairs",
        ),
        Row("grpo", "method", {"method": "grpo"}, GrpoSettings(**watched), True),
        Row("rloo", "method", {"method": "rloo"}, RlooSettings(**watched), True),
        Row(
            "rlhf",
            "method",
            {"method": "rlhf"},
            RlhfSettings(reward_epochs=0.75),
            True,
            about="against a reward model of drawn pairs",
        ),
    ]


def _weights() -> list[Row]:
    kinds = [name for name in WEIGHTS if name not in {"lora", "qlora", "full"}]
    variants = [name for name in WEIGHTS["lora"].variants if name != "plain"]
    return [
        *(Row(f"lora, {name}", "weights", {"variant": name}) for name in variants),
        *(Row(name, "weights", {"weights": name}) for name in kinds),
    ]


def _failing() -> list[Row]:
    cheating = GrpoSettings(reward=CHEATED, held_out="correct", learning_rate=1e-3)
    rate = 20 * rate_for("lora", "plain")
    return [
        Row(
            "lora, a tenth contradicted",
            "made to fail",
            {"allow": ("contradiction",)},
            contradicting=True,
            about="a tenth of the examples a second time, with another's answer",
        ),
        Row(
            "dpo, a rate too high, kept by the pairs' loss",
            "made to fail",
            {"method": "dpo", "epochs": 0.5, "learning_rate": 2e-4, "keep": "loss"},
            DpoSettings(),
            True,
            about="the loss of pairs fell, and right answers became rare",
        ),
        Row(
            "lora, 20 times the rate",
            "made to fail",
            {"learning_rate": rate},
            about="a deliberate forgetting",
        ),
        Row(
            "grpo, a reward that can be cheated",
            "made to fail",
            {"method": "grpo"},
            cheating,
            True,
            about="rewarded: four bars in the answer; held out: whether it is right",
        ),
    ]


ROWS: Mapping[str, Row] = {row.name: row for row in (*_methods(), *_weights(), *_failing())}
