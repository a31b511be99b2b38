"""What is measured: one row for each way of training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from evals.suite.policy_settings import GrpoSettings, RlooSettings
from evals.suite.preference_settings import DpoSettings
from evals.suite.rlhf_settings import RlhfSettings
from evals.suite.tune_weights import WEIGHTS
from tuning.training.rates import rate_for

FIRST = "lora"
SHORT = "lora, half a pass"
"""Rows that others begin from. Pairs and rewards are learnt after the short one, when answers still
differ; after two passes they hardly do."""
SIMILAR = "similar"
"""A metric that the suite does not have: how like the right query an answer is, letter by letter.
Nearly all answers differ in it, where few are right."""

ROUTED = "tickets, a third of a pass"
"""What rewards and pairs of the routing suite are learnt after."""

WATCHED = "rewarded: how like the right query; held out: whether it is right"
ROUTED_RIGHT = "rewarded: whether the queue is right; held out: how like its name the answer is"

QUERIES = "query_assistant"
TICKETS = "ticket_routing"

Group = Literal["method", "weights", "rewards", "made to fail"]


class Size(NamedTuple):
    """How many examples are learnt and how often, and how many cases are asked."""

    examples: int
    epochs: float
    dev: int
    guard: int


SIZES: Mapping[str, Size] = {
    QUERIES: Size(examples=400, epochs=2.0, dev=120, guard=120),
    TICKETS: Size(examples=604, epochs=2.0, dev=254, guard=120),
}
"""Of the rows of each suite."""


@dataclass(frozen=True)
class Row:
    """One training. `tune` are changes of the suite's `tune`, `own` the method's own settings.

    It begins from the adapter of the row that `begins` names, if any. With `contradicting` a tenth
    of the examples stands there a second time with another example's answer.
    """

    name: str
    group: Group
    tune: Mapping[str, Any] = field(default_factory=dict)
    own: Any = None
    begins: str = ""
    contradicting: bool = False
    about: str = ""
    suite: str = QUERIES


def _methods() -> list[Row]:
    watched: dict[str, Any] = {"reward": SIMILAR, "held_out": "correct", "expect": "hold"}
    return [
        Row(FIRST, "method", about="supervised fine-tuning of an adapter"),
        Row(
            SHORT,
            "method",
            {"epochs": 0.5},
            about="what those below begin from",
        ),
        Row("qlora", "method", {"method": "qlora"}, about="the same, over the base in four bits"),
        Row("full", "method", {"method": "full"}, about="every weight"),
        Row(
            "dpo",
            "method",
            {"method": "dpo", "epochs": 0.5},
            DpoSettings(),
            SHORT,
            about="drawn pairs",
        ),
        Row("grpo", "method", {"method": "grpo"}, GrpoSettings(**watched), SHORT, about=WATCHED),
        Row("rloo", "method", {"method": "rloo"}, RlooSettings(**watched), SHORT, about=WATCHED),
        Row(
            "rlhf",
            "method",
            {"method": "rlhf"},
            RlhfSettings(reward_epochs=0.75),
            SHORT,
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


def _rewards() -> list[Row]:
    """On answers so short that a right one is drawn often: there is something to learn from."""

    def row(name: str, about: str, own: Any = None, **tune: Any) -> Row:
        begins = ROUTED if own else ""
        return Row(f"tickets, {name}", "rewards", tune, own, begins, about=about, suite=TICKETS)

    watched: dict[str, Any] = {"held_out": SIMILAR, "steps": 80}
    return [
        row("a third of a pass", "what those below begin from", epochs=1 / 3),
        row("dpo", "drawn pairs", DpoSettings(), method="dpo", epochs=0.5),
        row("grpo", ROUTED_RIGHT, GrpoSettings(**watched), method="grpo"),
        row("rloo", ROUTED_RIGHT, RlooSettings(**watched), method="rloo"),
        row("rlhf", "against a reward model of drawn pairs", RlhfSettings(), method="rlhf"),
    ]


def _failing() -> list[Row]:
    cheating = GrpoSettings(reward="parses", held_out="correct", steps=20)
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
            FIRST,
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
            SHORT,
            about="rewarded: whether the answer is a query at all; held out: whether it is right",
        ),
    ]


ROWS: Mapping[str, Row] = {
    row.name: row for row in (*_methods(), *_weights(), *_rewards(), *_failing())
}
