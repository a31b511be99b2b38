"""Which of a model's weights training may change, by name, and the variants of each kind.

What stands here is read and checked without torch. `tuning.training.adaptations` carries it
out; names and what they mean are PEFT's, from which docs/methods.md cites the papers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SHAPING = ("variant", "rank", "alpha", "dropout")
"""Settings of the adapter, which not every kind of weights has."""


@dataclass(frozen=True)
class WeightsForm:
    """One way for weights to change: which of SHAPING it takes, and its variants by name.

    `refused` are variants that PEFT has and tunegate does not offer, each with the reason.
    """

    about: str
    takes: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)


_LORA = (
    "plain",
    "rslora",
    "dora",
    "pissa",
    "pissa_niter_16",
    "olora",
    "mica",
    "gaussian",
    "orthogonal",
)
_NEEDS_DATA = "it begins with passes over data of its own"
_REFUSED = {
    "eva": _NEEDS_DATA,
    "corda": _NEEDS_DATA,
    "lora_ga": _NEEDS_DATA,
    "loftq": "it rewrites the base's weights for a quantised base",
    "kasa": "it truncates the base's weights for good",
    "alora": "a part of each text would be answered without the adapter",
}

WEIGHTS: Mapping[str, WeightsForm] = {
    "lora": WeightsForm("a low-rank adapter on every linear layer", SHAPING, _LORA, _REFUSED),
    "full": WeightsForm("every weight of the model"),
}
