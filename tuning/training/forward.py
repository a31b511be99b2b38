"""The loss of a batch, computed without the work that training on completions does not need.

Two savings, both exact up to rounding. Logits are made only where a completion token is
predicted: with a vocabulary of 49k they are a fifth of the work. And the tokens that all
prompts begin with pass through the model once a batch, their keys and values (and the
gradients into them) shared by every row. `fast_path_is_exact` compares both with the model's
own loss, so that an architecture for which they would be wrong is trained the plain way.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

IGNORED = -100


def causal_of(model: Any) -> Any:
    """The causal model itself, out of an adapter's wrapping where it has one."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def summed_loss(model: Any, batch: dict[str, Any], prefix: int) -> Any:
    """Cross-entropy in nats, summed over the labels of a right-padded batch; a scalar tensor.

    `batch` has `input_ids`, `attention_mask` and `labels` of shape (rows, tokens), labels
    `IGNORED` outside completions. All rows begin with the same `prefix` tokens, none of
    them padding or label; 0 shares nothing.
    """
    ids, mask, labels = batch["input_ids"], batch["attention_mask"], batch["labels"]
    backbone = model.base_model
    if prefix:
        opening = backbone(input_ids=ids[:1, :prefix], use_cache=True)
        cache = opening.past_key_values
        cache.batch_repeat_interleave(ids.shape[0])
        hidden = backbone(
            input_ids=ids[:, prefix:], attention_mask=mask, past_key_values=cache, use_cache=True
        ).last_hidden_state
    else:
        hidden = backbone(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
    targets = labels[:, prefix + 1 :]
    predicting = targets != IGNORED
    logits = model.get_output_embeddings()(hidden[:, :-1][predicting])
    return functional.cross_entropy(logits.float(), targets[predicting], reduction="sum")


def shared_columns(batch: dict[str, Any], bound: int) -> int:
    """How many of the first `bound` tokens all rows of a batch share and none is to learn.

    The token after them is no label either, so that what predicts a label stays in its row.
    """
    ids, labels = batch["input_ids"][:, :bound], batch["labels"][:, 1 : bound + 1]
    same = (ids == ids[:1]).all(0)[: labels.shape[1]] & (labels == IGNORED).all(0)
    return int(same.long().cumprod(0).sum())


def plain_summed_loss(model: Any, batch: dict[str, Any]) -> Any:
    """The same through the model's own forward and all its logits."""
    logits = model(
        input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], use_cache=False
    ).logits
    return functional.cross_entropy(
        logits[:, :-1].float().flatten(0, 1),
        batch["labels"][:, 1:].flatten(),
        ignore_index=IGNORED,
        reduction="sum",
    )


def fast_path_is_exact(model: Any, batch: dict[str, Any], prefix: int) -> bool:
    """Whether `summed_loss` is the model's own loss on a small batch, up to rounding.

    Looked at without dropout, which would differ by itself, and would draw from the random
    generator: a resumed training, which looks again, must draw no more than the first.
    """
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            own, fast = plain_summed_loss(model, batch), summed_loss(model, batch, prefix)
    except (AttributeError, TypeError, RuntimeError, IndexError, ValueError):
        return False  # this architecture has no such backbone or cache: use its own forward
    finally:
        model.train(training)
    whole = next(model.parameters()).dtype == torch.float32
    whole = whole and not torch.is_autocast_enabled(batch["input_ids"].device.type)
    tolerance = 1e-4 if whole else 2e-2
    return bool(torch.isclose(fast, own, rtol=tolerance, atol=tolerance))
