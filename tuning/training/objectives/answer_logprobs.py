"""Log-probabilities of answers, each prompt passed through the model once for all its answers.

TRL passes every answer with its prompt, padded to the longest of a step. Here the answers to one
prompt share its keys and values, and the gradients into them, and are padded to the longest
among themselves. `answers_are_exact` compares with TRL's own, so that an architecture for which
this would be wrong is trained the plain way.

Importing this module loads torch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch


class Scored(NamedTuple):
    """Of every token of the answers, of shape (answers, tokens): log-probability and entropy.

    In nats; padding has 0 of both.
    """

    logps: Any
    entropies: Any


def scored_answers(model: Any, ids: Any, mask: Any, kept: int, temperature: float) -> Scored:
    """What a causal model gives the last `kept` columns of a batch, which are the answers.

    `ids` and `mask` have the shape (answers, tokens): prompts padded on the left, answers on the
    right, in any order.
    """
    logps = ids.new_zeros((len(ids), kept), dtype=torch.float32)
    entropies = torch.zeros_like(logps)
    for prompt, rows in _by_prompt(ids[:, :-kept], mask[:, :-kept]).items():
        longest = max(1, int(mask[rows, -kept:].sum(1).max()))
        answers, real = (one[rows, -kept:][:, :longest] for one in (ids, mask))
        logits = _logits(model, ids.new_tensor(prompt), answers, real) / temperature
        odds = torch.log_softmax(logits.float(), dim=-1)
        told = odds.gather(-1, answers[..., None]).squeeze(-1)
        entropy = -(odds.detach().exp() * odds.detach()).sum(-1)
        logps[rows, :longest] = told.masked_fill(real == 0, 0.0)
        entropies[rows, :longest] = entropy.masked_fill(real == 0, 0.0)
    return Scored(logps, entropies)


def answers_are_exact(
    model: Any, ids: Any, mask: Any, kept: int, *, temperature: float, own: Callable[[], Any]
) -> bool:
    """Whether `scored_answers` is what `own` gives for the same answers, up to rounding.

    Looked at without dropout, and without drawing from the random generator.
    """
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            expected, found = own(), scored_answers(model, ids, mask, kept, temperature).logps
    except (AttributeError, TypeError, RuntimeError, IndexError, ValueError):
        return False  # this architecture has no such backbone or cache: use its own forward
    finally:
        model.train(training)
    held = mask[:, -kept:].bool()
    whole = next(model.parameters()).dtype == torch.float32
    tolerance = 1e-3 if whole and not torch.is_autocast_enabled(ids.device.type) else 5e-2
    return bool(torch.allclose(found[held], expected[held].float(), rtol=tolerance, atol=tolerance))


def _by_prompt(prompts: Any, masks: Any) -> dict[tuple[int, ...], list[int]]:
    """The rows of each prompt, which is told without its padding."""
    found: dict[tuple[int, ...], list[int]] = {}
    for row, (ids, mask) in enumerate(zip(prompts, masks, strict=True)):
        found.setdefault(tuple(ids[mask.bool()].tolist()), []).append(row)
    return found


def _logits(model: Any, prompt: Any, answers: Any, real: Any) -> Any:
    """Logits at the places that predict the answers' tokens: (answers, tokens, vocabulary)."""
    backbone = model.base_model
    opening = backbone(input_ids=prompt[None], use_cache=True)
    cache = opening.past_key_values
    cache.batch_repeat_interleave(len(answers))
    before = real.new_ones((len(answers), len(prompt)))
    hidden = backbone(
        input_ids=answers,
        attention_mask=torch.cat([before, real], dim=1),
        past_key_values=cache,
        use_cache=True,
    ).last_hidden_state
    last = opening.last_hidden_state[:, -1:].expand(len(answers), -1, -1)
    return model.get_output_embeddings()(torch.cat([last, hidden[:, :-1]], dim=1))
