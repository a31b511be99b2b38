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
from evals.models.tokens import encode_chat, stop_ids, template_hash
from evals.records import Message
from tuning.data.dataset import EncodedExample
from tuning.records import LossPoint, Proof
from tuning.training.base import BaseModel
from tuning.training.loss_curve import held_out_points
from tuning.training.settings import Precision
from tuning.training.stages import Adaptation

# Beyond the example's own length: an answer may be longer than the one it was taught.
_EXTRA_TOKENS = 32
# The first steps train at a tiny rate and the last at none: both ends are averaged.
_AVERAGED = 5
_TOLERANCE: Mapping[Precision, float] = {"float32": 1e-3, "bfloat16": 0.05}


class Canary(NamedTuple):
    """An example to ask about: its messages, and its token ids as training encoded them."""

    messages: tuple[Message, ...]
    encoded: EncodedExample


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
    canaries: Sequence[Canary],
    adaptation: Adaptation,
    learnt: Proof,
) -> tuple[Proof, ...]:
    """Check a saved adapter against the model it was saved from, on a few examples.

    `trained` is the model in memory as `adaptation` opened it; `learnt` is what the objective
    proves of its log. Raises ModelError where the folder cannot be loaded at all.
    """
    stops = stop_ids(base.tokenizer)
    examples = [canary.encoded for canary in canaries]
    memory = _answers(trained.eval(), examples, stops)
    with adaptation.off(trained):
        plain = _answers(trained, examples, stops)
    reloaded, tokenizer = _reload(folder, base, precision)
    fresh = _answers(reloaded, examples, stops)
    return (
        _weights_proof(folder, base),
        _changes_proof(plain, memory),
        _reload_proof(memory, fresh, _TOLERANCE[precision]),
        template_proof(canaries, tokenizer),
        stop_proof(examples, plain, fresh, stops),
        learnt,
    )


def _reload(folder: Path, base: BaseModel, precision: Precision) -> tuple[Any, Any]:
    """The adapter over a fresh base, and the tokenizer that an evaluation would use."""
    from peft import PeftModel

    loaded = load_folder(base.folder, precision)
    model = PeftModel.from_pretrained(
        loaded.model, str(folder), use_safetensors=True, is_trainable=False
    )
    return model.eval(), loaded.tokenizer


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


def template_proof(canaries: Sequence[Canary], tokenizer: Any) -> Proof:
    """Whether an evaluation asks in the very tokens that training taught an answer to.

    `tokenizer` is freshly loaded; the same messages go through the encoding of the evals.
    """
    asked = [tuple(encode_chat(tokenizer, canary.messages)) for canary in canaries]
    taught = [canary.encoded.prompt_ids for canary in canaries]
    same = sum(one == other for one, other in zip(asked, taught, strict=True))
    return Proof(
        "same chat template as the evals",
        same == len(canaries) > 0,
        f"{same} of {len(canaries)} prompts have the same token ids in training and evaluation; "
        f"template {template_hash(tokenizer)}",
    )


def stop_proof(
    canaries: Sequence[EncodedExample], plain: Answers, tuned: Answers, stops: frozenset[int]
) -> Proof:
    """Whether the token that ends an answer was taught, and learnt.

    Asked of every canary: its completion ends in a stop token, and after the whole right
    answer the tuned model (`tuned`) stops: it is its first choice there, or at least likelier
    than for the base (`plain`). Of its own answers, which may be wrong, at least half must
    stop: one that runs on is a matter of quality, which the sealed split judges, but most
    that do mean that stopping was not learnt.
    """
    taught = sum(example.completion_ids[-1] in stops for example in canaries)
    learnt = sum(
        _stops_at_the_end(example, before, after)
        for example, before, after in zip(canaries, plain.logits, tuned.logits, strict=True)
    )
    emitted = sum(bool(answer) and answer[-1] in stops for answer in tuned.greedy)
    count = len(canaries)
    return Proof(
        "trains the stop token",
        taught == learnt == count and 2 * emitted >= count > 0,
        f"{taught} of {count} examples end in a stop token; the tuned model stops after {learnt} "
        f"of {count} right answers, and ends {emitted} of {count} of its own (at least half)",
    )


def _stops_at_the_end(example: EncodedExample, before: Any, after: Any) -> bool:
    """Whether `after` ends where the example does: `before`, `after` are (tokens, vocabulary).

    The logits of the last token but one predict the last.
    """
    stop = example.completion_ids[-1]
    rise = float(after[-2].log_softmax(-1)[stop] - before[-2].log_softmax(-1)[stop])
    return rise > 0 or (math.isfinite(rise) and int(after[-2].argmax()) == stop)


def loss_proof(curve: Sequence[LossPoint], unit: str = "nats per token") -> Proof:
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
        f"{first:.3f} → {last:.3f} {unit} in training{seen}",
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def _largest(one: Answers, other: Answers) -> float:
    pairs = zip(one.logits, other.logits, strict=True)
    return max((float((a - b).abs().max()) for a, b in pairs), default=0.0)
