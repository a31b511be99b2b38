"""What is proven of an adapter before anybody relies on it.

The adapter is loaded afresh from its folder over a fresh base, as an evaluation would, and
compared with the model that came out of training and with the base. A proof that fails is
recorded with its numbers; the report shows it and the gate does not ship such an adapter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from evals.errors import ModelError
from evals.models.adapters import check_adapter
from evals.models.loading import load_folder
from evals.models.tokens import stop_ids, template_hash
from tuning.base import BaseModel
from tuning.curve import held_out_points, loss_curve
from tuning.dataset import EncodedExample
from tuning.records import LossPoint, Proof
from tuning.settings import Precision

# Beyond the example's own length: an answer may be longer than the one it was taught.
_EXTRA_TOKENS = 32
# The first steps train at a tiny rate and the last at none: both ends are averaged.
_AVERAGED = 5
_TOLERANCE: Mapping[Precision, float] = {"float32": 1e-3, "bfloat16": 0.05}


class Answers(NamedTuple):
    """A model on the canaries: logits over each whole example, and its greedy answers."""

    logits: list[Any]
    greedy: list[list[int]]


def prove(
    trained: Any,
    folder: Path,
    base: BaseModel,
    precision: Precision,
    *,
    canaries: Sequence[EncodedExample],
    log: Sequence[Mapping[str, Any]],
) -> tuple[Proof, ...]:
    """Check a saved adapter against the model it was saved from, on a few examples.

    `trained` is the PEFT model in memory, `log` the trainer's. Raises ModelError where the
    folder cannot be loaded at all.
    """
    stops = stop_ids(base.tokenizer)
    memory = _answers(trained.eval(), canaries, stops)
    with trained.disable_adapter():
        plain = _answers(trained, canaries, stops)
    fresh = _answers(_reload(folder, base, precision), canaries, stops)
    return (
        _weights_proof(folder, base),
        _changes_proof(plain, memory),
        _reload_proof(memory, fresh, _TOLERANCE[precision]),
        _template_proof(base),
        _stop_proof(base, canaries, fresh, stops),
        loss_proof(loss_curve(log)),
    )


def _reload(folder: Path, base: BaseModel, precision: Precision) -> Any:
    from peft import PeftModel

    loaded = load_folder(base.folder, precision)
    return PeftModel.from_pretrained(
        loaded.model, str(folder), use_safetensors=True, is_trainable=False
    ).eval()


def _answers(model: Any, canaries: Sequence[EncodedExample], stops: frozenset[int]) -> Answers:
    device = next(model.parameters()).device
    logits, greedy = [], []
    with torch.no_grad():
        for example in canaries:
            ids = torch.tensor([[*example.prompt_ids, *example.completion_ids]], device=device)
            logits.append(model(input_ids=ids, use_cache=False).logits[0].float().cpu())
            prompt = ids[:, : len(example.prompt_ids)]
            answer = model.generate(
                input_ids=prompt,
                attention_mask=torch.ones_like(prompt),
                max_new_tokens=len(example.completion_ids) + _EXTRA_TOKENS,
                do_sample=False,
                eos_token_id=sorted(stops),
                pad_token_id=min(stops),
            )
            greedy.append(answer[0, len(example.prompt_ids) :].tolist())
    return Answers(logits, greedy)


def _weights_proof(folder: Path, base: BaseModel) -> Proof:
    name = "weights are finite and not zero"
    try:
        identity = check_adapter(folder, base.weights_hash, base.template_hash)
    except ModelError as error:
        return Proof(name, False, error.message)
    return Proof(name, True, f"safetensors, adapter {identity}")


def _changes_proof(plain: Answers, trained: Answers) -> Proof:
    change = _largest(plain, trained)
    differing = sum(a != b for a, b in zip(plain.greedy, trained.greedy, strict=True))
    return Proof(
        "changes the logits",
        math.isfinite(change) and change > 0.01,
        f"largest change {change:.3g} over {len(plain.logits)} prompts; "
        f"{differing} greedy answers differ from the base's",
    )


def _reload_proof(memory: Answers, fresh: Answers, tolerance: float) -> Proof:
    change = _largest(memory, fresh)
    same = sum(a == b for a, b in zip(memory.greedy, fresh.greedy, strict=True))
    return Proof(
        "reloads to the same outputs",
        change <= tolerance and same == len(memory.greedy),
        f"largest difference of a logit {change:.2g} (at most {tolerance:g}); "
        f"{same} of {len(memory.greedy)} greedy answers identical",
    )


def _template_proof(base: BaseModel) -> Proof:
    found = template_hash(base.tokenizer)
    return Proof("same chat template as the evals", found == base.template_hash, found)


def _stop_proof(
    base: BaseModel,
    canaries: Sequence[EncodedExample],
    answers: Answers,
    stops: frozenset[int],
) -> Proof:
    taught = sum(example.completion_ids[-1] in stops for example in canaries)
    emitted = sum(bool(answer) and answer[-1] in stops for answer in answers.greedy)
    names = ", ".join(base.tokenizer.convert_ids_to_tokens(sorted(stops)))
    return Proof(
        "trains the stop token",
        taught == len(canaries) and 2 * emitted >= len(canaries),
        f"{taught} of {len(canaries)} examples end in {names}; "
        f"the tuned model ends {emitted} of {len(canaries)} answers with it",
    )


def loss_proof(curve: Sequence[LossPoint]) -> Proof:
    """Whether all losses are finite and training ended lower than it began."""
    losses = [point.loss for point in curve if point.loss is not None]
    first = _mean(losses[: min(_AVERAGED, max(1, len(losses) // 2))])
    last = _mean(losses[-_AVERAGED:])
    looks = [point.held_out for point in held_out_points(curve) if point.held_out is not None]
    finite = bool(losses) and all(math.isfinite(loss) for loss in [*losses, *looks])
    seen = f"; held out {looks[0]:.3f} → {min(looks):.3f} at best" if looks else ""
    return Proof(
        "the loss is finite and fell",
        finite and last < first,
        f"{first:.3f} → {last:.3f} nats per token in training{seen}",
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def _largest(one: Answers, other: Answers) -> float:
    pairs = zip(one.logits, other.logits, strict=True)
    return max((float((a - b).abs().max()) for a, b in pairs), default=0.0)
