"""The learning rate and the scale that each kind of weights begins with, where none are stated."""

from __future__ import annotations

from collections.abc import Mapping

_LORA = 2e-3
_RATES: Mapping[str, float] = {
    # Their factors begin as large as the base's greatest singular values, and move both at once.
    "lora/pissa": 5e-4,
    "lora/pissa_niter_16": 5e-4,
    "lora/olora": 5e-4,
    "ia3": 3e-3,
    "vera": 4e-3,
    "full": 2e-4,  # a tenth of LoRA's (Schulman et al. 2025); TRL's 2e-5 taught nothing here
}


def rate_for(weights: str, variant: str) -> float:
    """The learning rate for a kind of weights and its variant; that of LoRA where none is its own.

    docs/methods.md says what they rest on.
    """
    return _RATES.get(f"{weights}/{variant}", _RATES.get(weights, _LORA))


def rank_for(weights: str) -> int:
    """The rank of an adapter; VeRA's is of frozen random factors, and costs two vectors alone."""
    return 256 if weights == "vera" else 16


def alpha_for(variant: str, rank: int) -> int:
    """LoRA's alpha: twice the rank, so that its scale alpha / rank is 2 for every rank.

    rsLoRA's scale is alpha / sqrt(rank): with 8 it is 2 at rank 16 as well, less below and more
    above, which is what it is for (Kalajdzievski 2023, arXiv 2312.03732).
    """
    return 8 if variant == "rslora" else 2 * rank
