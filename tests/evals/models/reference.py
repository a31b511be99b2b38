"""What transformers alone gives, one prompt at a time: the yardstick of these tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import AutoModelForCausalLM


def load_plain(folder: Any, dtype: Any = torch.float32) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()


def greedy(model: Any, ids: Sequence[int], max_tokens: int, stops: Sequence[int]) -> list[int]:
    """Greedy tokens after `ids`, the stop token left out."""
    prompt = torch.tensor([list(ids)])
    with torch.inference_mode():
        out = model.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            max_new_tokens=max_tokens,
            do_sample=False,
            eos_token_id=sorted(stops),
            pad_token_id=sorted(stops)[0],
        )
    new: list[int] = out[0, len(ids) :].tolist()
    return new[:-1] if new and new[-1] in stops else new


def option_logprob(model: Any, context: Sequence[int], option: Sequence[int]) -> float:
    """Summed log-probability of the option's tokens, by one full pass."""
    ids = torch.tensor([[*context, *option]])
    with torch.inference_mode():
        logits = model(ids).logits[0].float().log_softmax(-1)
    places = range(len(context) - 1, len(context) + len(option) - 1)
    return float(sum(logits[place, token] for place, token in zip(places, option, strict=True)))
