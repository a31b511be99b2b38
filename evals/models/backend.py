"""Which way a model is run: packed where its attention allows it, else plainly.

Packing is not assumed to be right for a family of models: it is tried on a few tokens
beside transformers' own attention, and used only where both agree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from evals.models import attention
from evals.models.likelihood import rank_options
from evals.models.loading import quiet_transformers
from evals.models.packing import PackedModel
from evals.models.plain import PLAIN_VERSION, PlainModel

Rank = Callable[
    [Sequence[Sequence[int]], Sequence[Sequence[Sequence[int]]], int, str],
    list[tuple[float, ...] | None],
]

# Largest relative distance of the logits: rounding, not another computation.
_TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 6e-2}


@dataclass(frozen=True)
class Backend:
    """How passes are made, how options are ranked, and the name that goes into fingerprints."""

    passes: Any
    rank: Rank
    version: str


def choose_backend(model: Any) -> Backend:
    """Packed attention if the model gives the same logits with it, else the plain way."""
    reference = _plain_logits(model)
    own = model.config._attn_implementation
    if _can_switch(model):
        attention.register()
        with quiet_transformers():
            model.set_attn_implementation(attention.ATTENTION_NAME)
        packed = PackedModel(model)
        if _agree(_packed_logits(packed), reference, _TOLERANCE[model.dtype]):
            packed.forget_prefixes()
            return _packed_backend(packed)
        with quiet_transformers():
            model.set_attn_implementation(own)
    return _plain_backend(PlainModel(model))


def _packed_backend(packed: PackedModel) -> Backend:
    def rank(
        contexts: Sequence[Sequence[int]],
        options: Sequence[Sequence[Sequence[int]]],
        prefix_tokens: int,
        adapter: str,
    ) -> list[tuple[float, ...] | None]:
        return rank_options(packed, contexts, options, prefix_tokens, adapter)

    return Backend(packed, rank, attention.ATTENTION_VERSION)


def _plain_backend(plain: PlainModel) -> Backend:
    def rank(
        contexts: Sequence[Sequence[int]],
        options: Sequence[Sequence[Sequence[int]]],
        _prefix_tokens: int,
        _adapter: str,
    ) -> list[tuple[float, ...] | None]:
        return [plain.rank(context, case) for context, case in zip(contexts, options, strict=True)]

    return Backend(plain, rank, PLAIN_VERSION)


def _can_switch(model: Any) -> bool:
    """Attention through transformers' interface, and every layer attends to everything."""
    config = model.config
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    window = getattr(config, "sliding_window", None)
    return (
        bool(getattr(model, "_supports_attention_backend", False))
        and kinds == {"full_attention"}
        and (window is None or getattr(config, "use_sliding_window", True) is False)
    )


# Two rows that share a prefix, longer than any special id, within every vocabulary.
_SHARED = (5, 9, 13, 7, 11)
_ROWS = ((6, 8), (12, 10, 14, 5))


def _plain_logits(model: Any) -> Tensor:
    rows = []
    with torch.inference_mode():
        for row in _ROWS:
            ids = torch.tensor([[*_SHARED, *row]], device=model.device)
            rows.append(model(input_ids=ids, use_cache=False).logits[0, -1].float())
    return torch.stack(rows)


def _packed_logits(packed: PackedModel) -> Tensor | None:
    """The same rows as a shared prefix, a first pass and one decoding step."""
    try:
        prefix = packed.prefix(_SHARED, "")
        _, sequences = packed.first([row[:-1] for row in _ROWS], len(_SHARED), prefix, 1)
        return packed.decode([row[-1] for row in _ROWS], len(_SHARED), prefix, sequences)
    except attention.UnsupportedAttention:
        return None


def _agree(ours: Tensor | None, reference: Tensor, tolerance: float) -> bool:
    if ours is None or ours.shape != reference.shape:
        return False
    distance = float((ours - reference).norm() / reference.norm().clamp_min(1e-9))
    return distance <= tolerance
