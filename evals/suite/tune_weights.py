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
    "qlora": WeightsForm(
        "lora, trained over the base rounded to four bits", SHAPING, ("plain", "rslora")
    ),
    "ia3": WeightsForm("factors on keys, values and the feed-forward"),
    "vera": WeightsForm("vectors between frozen random factors", ("rank", "dropout")),
    "loha": WeightsForm("a product of two low-rank products", ("rank", "alpha")),
    "lokr": WeightsForm("a Kronecker product with a low-rank factor", ("rank", "alpha")),
    "oft": WeightsForm("rotations of each layer's inputs", ("dropout",)),
    "miss": WeightsForm("one matrix shared by slices of each layer", ("rank", "dropout")),
    "shira": WeightsForm("a few entries of each layer's weights", ("rank",)),
    "full": WeightsForm("every weight of the model"),
}

_PROMPTS = "it adds to each prompt what the evals' shared prefixes have no place for"
REFUSED: Mapping[str, str] = {
    "adalora": "it drops ranks while it trains, which checkpoints do not keep",
    "boft": "it compiles code of its own when it is loaded",
    "fourierft": "an untrained one cannot be told from a trained one",
    "hra": "an untrained one cannot be told from a trained one",
    "p_tuning": _PROMPTS,
    "prefix_tuning": _PROMPTS,
    "prompt_tuning": _PROMPTS,
    "road": "its groups of 64 outputs do not divide every layer",
}
"""Kinds that PEFT has and tunegate does not offer, each with the reason."""
