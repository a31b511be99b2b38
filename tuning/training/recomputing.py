"""Whether what a forward pass makes is kept for the backward one, or made a second time.

Keeping it is the faster; making it again ("gradient checkpointing", Chen et al. 2016, arXiv
1604.06174) holds a third as much or less. So it is made again only where a training's largest
batch would otherwise hold more than is free. Weights end the same either way, up to rounding.
"""

from __future__ import annotations

from typing import Any, NamedTuple

_FREE_SHARE = 0.8
"""Of the free memory: optimiser, gradients and fragments need some, and so may others."""


class Batch(NamedTuple):
    """The largest batch of a training: its rows, each with so many `tokens` at most.

    `logits` counts the tokens, of all rows together, at which the vocabulary's probabilities
    are needed.
    """

    rows: int
    tokens: int
    logits: int


def kept_bytes(config: Any, batch: Batch, *, attention: str, width: int) -> int:
    """What the forward pass of a batch leaves for the backward one, with `width` bytes a number.

    For each layer and token 14 hidden sizes and 9 feed-forward sizes, with eager attention also
    1.5 numbers for each head and token attended to; each logit four times. Fitted to the
    embedded model with an adapter on all linear layers, at 128 to 2,048 tokens: from 7 % less
    to 24 % more than it held.
    """
    layer = 14 * config.hidden_size + 9 * config.intermediate_size
    if attention == "eager":
        layer += 3 * config.num_attention_heads * batch.tokens // 2
    kept = batch.rows * batch.tokens * config.num_hidden_layers * layer
    return int(width * kept + 4 * 4 * batch.logits * config.vocab_size)


def recompute_if_needed(model: Any, batch: Batch, *, width: int, free: int) -> bool:
    """Have the model make things twice where keeping them needs more than `free` bytes.

    Returns whether it does so now. A model that has no such form, or whose configuration does
    not tell its sizes, is left as it is.
    """
    config = model.config.get_text_config()
    try:
        kept = kept_bytes(config, batch, attention=config._attn_implementation, width=width)
    except (AttributeError, TypeError):
        return False
    if kept <= _FREE_SHARE * free or not getattr(model, "supports_gradient_checkpointing", True):
        return False
    # The second name is that of older releases of transformers 5; both are non-reentrant.
    enable = getattr(model, "activation_checkpointing_enable", None)
    (enable or model.gradient_checkpointing_enable)()
    return True


def recomputes(model: Any) -> bool:
    """Whether a model makes things twice; then it keeps no keys and values for later tokens."""
    return any(getattr(module, "gradient_checkpointing", False) for module in model.modules())
